//! Users of the embedded server.

use std::{fmt, str::FromStr};

use ucwa_server::User;

use crate::address;

/// A user of the embedded server, as the command line gives one: NAME, NAME:PASSWORD, or NAME:PASSWORD:Display Name. An
/// empty password before a display name is none.
#[derive(Clone)]
pub struct Account {
    address: String,
    display_name: String,
    password: Option<String>,
}

/// Hides the password.
impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("address", &self.address)
            .field("display_name", &self.display_name)
            .finish_non_exhaustive()
    }
}

impl Account {
    /// Whether the command line has the password.
    pub(crate) fn has_password(&self) -> bool {
        self.password.is_some()
    }

    /// The user; `password` is asked for one if the account has none.
    pub(crate) fn user(
        self,
        password: impl FnOnce() -> Result<String, String>,
    ) -> Result<User, String> {
        let secret = match self.password {
            Some(given) => given,
            None => password()?,
        };
        User::new(&self.address, self.display_name, secret).map_err(|error| error.to_string())
    }
}

impl FromStr for Account {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.strip_prefix("sip:").unwrap_or(text).splitn(3, ':');
        let name = parts.next().unwrap_or_default();
        let (password, display_name) = (parts.next(), parts.next());
        if password == Some("") && display_name.is_none() {
            return Err("the password is empty".to_owned());
        }
        Ok(Self {
            address: address::complete(name)?,
            display_name: display_name.unwrap_or(name).to_owned(),
            password: password
                .filter(|password| !password.is_empty())
                .map(str::to_owned),
        })
    }
}

/// The two users of the published examples, with public passwords.
pub(crate) fn sandbox() -> Result<[User; 2], String> {
    let user = |account: &str| -> Result<User, String> {
        account
            .parse::<Account>()?
            .user(|| Err("the account has no password".to_owned()))
    };
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

    fn user(text: &str) -> Result<User, String> {
        text.parse::<Account>()?.user(|| Ok("asked".to_owned()))
    }

    #[test]
    fn an_account_has_a_name_and_perhaps_a_password_and_a_display_name() {
        let john = user("sip:johnd@fabrikam.com:pass word:John: Doe").unwrap();
        assert_eq!(john.uri.as_str(), "sip:johnd@fabrikam.com");
        assert_eq!(john.password, "pass word");
        assert_eq!(john.display_name, "John: Doe");
        assert_eq!(user("johnd:secret").unwrap().display_name, "johnd");
        for text in ["johnd:", ":secret", "john d:secret", ""] {
            assert!(user(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_omitted_password_is_asked_for() {
        assert_eq!(user("johnd").unwrap().password, "asked");
        let john = user("johnd::John Doe").unwrap();
        assert_eq!(
            (&*john.password, &*john.display_name),
            ("asked", "John Doe")
        );
        assert!(!"johnd".parse::<Account>().unwrap().has_password());
        let refused = "johnd".parse::<Account>().unwrap();
        assert!(refused.user(|| Err("no password".to_owned())).is_err());
    }

    #[test]
    fn the_debug_output_hides_the_password() {
        let account: Account = "johnd:hunter2".parse().unwrap();
        assert!(!format!("{account:?}").contains("hunter2"));
    }
}
