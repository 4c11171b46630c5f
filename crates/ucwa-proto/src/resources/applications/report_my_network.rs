//! Where the client is.

use std::borrow::Cow;

use crate::{resources::ClientNetworkType, typed::view};

view! {
    /// Tells the server where the client is in the network.
    ///
    /// Source: `reportMyNetwork_ref`.
    input ReportMyNetworkInput<'r> = "reportMyNetwork" {
        properties {
            /// The chassis of the network switch.
            chassis_id: Cow<'r, str> = "chassisID",
            /// Whether the client is inside the company network.
            client_network_type: ClientNetworkType = "clientNetworkType",
            /// The client's IP address.
            ip: Cow<'r, str> = "ip",
            /// The client's MAC address.
            mac: Cow<'r, str> = "mac",
            /// The port of the network switch.
            port_id: Cow<'r, str> = "portID",
            /// The signal strength.
            rssi: Cow<'r, str> = "rssi",
            /// The subnet.
            subnet_id: Cow<'r, str> = "subnetID",
            /// The wireless access point.
            wap_bssid: Cow<'r, str> = "wapBSSID",
        }
    }
}
