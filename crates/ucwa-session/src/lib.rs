//! A deterministic, sans-IO UCWA 2.0 client: sign-in, the pending GET, chat operations, retries.
