//! Becoming available.

use std::borrow::Cow;

use crate::{
    resources::{AudioPreference, MessageFormat, ModalityType, PreferredAvailability},
    typed::view,
};

view! {
    /// Makes the user available for invitations; 204. A second time gives 409 `AlreadyExists`.
    ///
    /// Source: `makeMeAvailable_ref`, `makeMeAvailable2_ref`.
    ///
    /// Modalities other than `Messaging` and `PhoneAudio` give 403.
    input MakeMeAvailableInput<'r> = "makeMeAvailable" {
        properties {
            /// How incoming calls should ring; VoIP by default.
            audio_preference: AudioPreference = "audioPreference",
            /// After how long without activity the user counts as inactive, as a time span; five minutes by default.
            inactive_timeout: Cow<'r, str> = "inactiveTimeout",
            /// The telephone to reach the user on. At most 100 UTF-16 units.
            phone_number: Cow<'r, str> = "phoneNumber",
            /// The presence to start with.
            sign_in_as: PreferredAvailability = "signInAs",
            /// How long to wait for the client before a call rings on the telephone, as a time span.
            voip_fallback_to_phone_audio_timeout: Cow<'r, str> = "voipFallbackToPhoneAudioTimeOut",
        }
        property_lists {
            /// The formats that this client can show; `Plain` by default.
            supported_message_formats: MessageFormat = "supportedMessageFormats",
            /// The kinds of invitation that this client takes.
            supported_modalities: ModalityType = "supportedModalities",
        }
    }
}
