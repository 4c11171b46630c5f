//! Finding people.

use crate::{
    resources::{Contact, DistributionGroup},
    typed::view,
};

view! {
    /// The contacts that a search found.
    ///
    /// Methods: GET. Source: `search_ref`, `search2_ref`.
    ///
    /// The query parameters are `query`, at most 256 UTF-16 units, and `limit`, from 1 to 100; the newer revision
    /// also takes `mail`, at most 256.
    resource Search<'r> = "search" {
        properties {
            /// Whether more contacts match than the limit allowed.
            more_results_available: bool = "moreResultsAvailable",
        }
        embedded_lists {
            /// The person.
            contact: Contact = "contact",
            /// A distribution group.
            distribution_group: DistributionGroup = "distributionGroup",
        }
    }
}
