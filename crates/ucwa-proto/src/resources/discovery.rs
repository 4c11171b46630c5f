//! Finding the home server.

mod redirect;
mod root;
mod user;
mod xframe;

pub use redirect::Redirect;
pub use root::Root;
pub use user::User;
pub use xframe::Xframe;
