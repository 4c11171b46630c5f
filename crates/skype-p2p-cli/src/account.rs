//! Users of the embedded server.

use std::str::FromStr;

use ucwa_server::User;

use crate::address;

/// A user of the embedded server, as the command line gives one: NAME:PASSWORD, or NAME:PASSWORD:Display Name.
#[derive(Clone, Debug)]
pub struct Account(pub User);

impl FromStr for Account {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.strip_prefix("sip:").unwrap_or(text).splitn(3, ':');
        let (Some(name), Some(password)) = (parts.next(), parts.next()) else {
            return Err("expected NAME:PASSWORD or NAME:PASSWORD:Display Name".to_owned());
        };
        if password.is_empty() {
            return Err("the password is empty".to_owned());
        }
        let address = address::complete(name)?;
        let display_name = parts.next().unwrap_or(name);
        User::new(&address, display_name, password)
            .map(Self)
            .map_err(|error| error.to_string())
    }
}

/// The two users of the published examples, with passwords that everybody may know.
pub(crate) fn sandbox() -> Result<[User; 2], String> {
    let user = |account: &str| account.parse().map(|Account(user)| user);
    Ok([
        user("toshm:tosh-password:Tosh Meston")?,
        user("lenea:lene-password:Lene Aaling")?,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sandbox_has_its_two_users() {
        let users: Vec<_> = sandbox()
            .unwrap()
            .into_iter()
            .map(|user| (user.uri.to_string(), user.display_name))
            .collect();
        assert_eq!(
            users,
            [
                ("sip:toshm@contoso.com".to_owned(), "Tosh Meston".to_owned()),
                ("sip:lenea@contoso.com".to_owned(), "Lene Aaling".to_owned()),
            ]
        );
    }

    #[test]
    fn an_account_has_a_name_a_password_and_perhaps_a_display_name() {
        let Account(user) = "sip:johnd@fabrikam.com:pass word:John: Doe"
            .parse()
            .unwrap();
        assert_eq!(user.uri.as_str(), "sip:johnd@fabrikam.com");
        assert_eq!(user.password, "pass word");
        assert_eq!(user.display_name, "John: Doe");
        let Account(user) = "johnd:secret".parse().unwrap();
        assert_eq!(user.display_name, "johnd");
        for text in ["johnd", "johnd:", ":secret", "john d:secret"] {
            assert!(text.parse::<Account>().is_err(), "{text}");
        }
    }
}
