//! The rules of the store, by their numbers, on each store.

/// Runs async functions with a `World` as tests, on the store in memory and on PostgreSQL.
macro_rules! on_each_store {
    ($($name:ident),* $(,)?) => {
        mod memory {
            $(
                #[tokio::test]
                async fn $name() {
                    super::$name(&crate::harness::World::memory()).await;
                }
            )*
        }

        mod postgres {
            $(
                #[tokio::test]
                async fn $name() {
                    if let Some(world) = crate::harness::World::postgres().await {
                        super::$name(&world).await;
                    }
                }
            )*
        }
    };
}

mod gaps;
mod identities;
mod inbox;
mod leases;
mod outbox;
mod passwords;
mod removal;
mod resealing;
mod workers;
