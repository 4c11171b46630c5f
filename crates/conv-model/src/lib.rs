//! An observable chat model (properties, collections, commands) for any protocol.
