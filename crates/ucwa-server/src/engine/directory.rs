//! The accounts: found by address, and searched by name.

use std::collections::BTreeMap;

use super::table::Table;
use crate::config::User;

/// The accounts in the order of the configuration, and an index by address.
#[derive(Debug)]
pub(super) struct Directory {
    accounts: Table<usize, Account>,
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
    /// A directory of these users. If two users have the same address, [`at`](Self::at) finds the first one.
    pub(super) fn new(users: Vec<User>) -> Self {
        let mut by_address = BTreeMap::new();
        let mut accounts = Table::default();
        for (number, user) in users.into_iter().enumerate() {
            let address = user.address();
            by_address.entry(address.clone()).or_insert(number);
            let account = Account {
                name: user.display_name.to_lowercase(),
                address,
                user,
            };
            accounts.insert(number, account);
        }
        Self {
            accounts,
            by_address,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.accounts.len()
    }

    pub(super) fn visited(&self) -> u64 {
        self.accounts.visited()
    }

    /// The account with this address (`user@host`, lower case).
    pub(super) fn at(&self, address: &str) -> Option<&User> {
        let account = self.accounts.get(self.by_address.get(address)?)?;
        Some(&account.user)
    }

    /// The address of the account, borrowed from the directory. `None` if there is no account with this address.
    pub(super) fn address(&self, address: &str) -> Option<&str> {
        let account = self.accounts.get(self.by_address.get(address)?)?;
        Some(&account.address)
    }

    /// The addresses of the accounts whose name or address contains `text`, which is in lower case. A search is the only request
    /// that visits all accounts.
    pub(super) fn search(&self, text: &str) -> impl Iterator<Item = &str> {
        let accounts = self.accounts.iter().map(|(_, account)| account);
        accounts
            .filter(move |account| account.name.contains(text) || account.address.contains(text))
            .map(|account| account.address.as_str())
    }
}
