//! The accounts, found by address.

use std::collections::BTreeMap;

use crate::config::User;

/// The accounts in the order of the configuration, and an index by address.
#[derive(Debug)]
pub(super) struct Directory {
    accounts: Vec<Account>,
    by_address: BTreeMap<String, usize>,
}

#[derive(Debug)]
struct Account {
    user: User,
    address: String,
    /// The display name in lower case.
    name: String,
}

impl Directory {
    /// If two users have the same address, the first one is found by it.
    pub(super) fn new(users: Vec<User>) -> Self {
        let mut by_address = BTreeMap::new();
        let mut accounts = Vec::with_capacity(users.len());
        for user in users {
            let address = user.address();
            by_address.entry(address.clone()).or_insert(accounts.len());
            accounts.push(Account {
                name: user.display_name.to_lowercase(),
                address,
                user,
            });
        }
        Self {
            accounts,
            by_address,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.accounts.len()
    }

    /// The account with this address (`user@host`, lower case).
    pub(super) fn at(&self, address: &str) -> Option<&User> {
        let account = self.accounts.get(*self.by_address.get(address)?)?;
        Some(&account.user)
    }

    /// The addresses of the accounts whose name or address contains this text, which is in lower case. A search is the one request
    /// that reads account after account.
    pub(super) fn search(&self, text: &str) -> impl Iterator<Item = &str> {
        let accounts = self.accounts.iter();
        accounts
            .filter(move |account| account.name.contains(text) || account.address.contains(text))
            .map(|account| account.address.as_str())
    }
}
