//! Decodes a batch, and checks that encoding and decoding it again gives the same batch.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ucwa_proto::{
    Limits,
    batch::{Request, Response, boundary},
};

fuzz_target!(|body: &[u8]| {
    let limits = Limits::default();
    if let Ok(requests) = Request::decode_batch(body, None, &limits) {
        let batch = Request::encode_batch(&requests, "seed");
        let again = Request::decode_batch(&batch.body, boundary(&batch.content_type), &limits).expect("what is written can be read");
        assert_eq!(again.len(), requests.len());
        for (again, request) in again.iter().zip(&requests) {
            assert_eq!((&again.method, &again.target), (&request.method, &request.target));
            assert_eq!(again.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&again.body), request.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&request.body));
        }
    }
    if let Ok(responses) = Response::decode_batch(body, None, &limits) {
        let batch = Response::encode_batch(&responses, "seed");
        let again = Response::decode_batch(&batch.body, boundary(&batch.content_type), &limits).expect("what is written can be read");
        assert_eq!(again.len(), responses.len());
        for (again, response) in again.iter().zip(&responses) {
            assert_eq!(again.status, response.status);
        }
    }
});
