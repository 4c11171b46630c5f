//! The application and what the administrator allows.

mod application;
mod policies;
mod report_my_network;

pub use application::{AnonApplicationsInput, Application, Applications, ApplicationsInput};
pub use policies::Policies;
pub use report_my_network::ReportMyNetworkInput;
