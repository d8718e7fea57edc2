//! Bodies in signed chunks, on the examples of AWS's documentation:
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html> and `sigv4-streaming-trailers.html`.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use strongroom_crypto::digest::sha256;
use strongroom_sigv4::{AuthError, BodyProof, ChunkChain, Claim, Expected, RequestHead};

use crate::requests::key_for;

/// 24 May 2013, 00:00 UTC.
const NOW: i64 = 1_369_353_600_000;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

fn claim(headers: &[(&str, &str)], now_ms: i64) -> Result<Claim, AuthError> {
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| (HeaderName::try_from(*name).unwrap(), HeaderValue::from_str(value).unwrap()))
        .collect();
    let head = RequestHead {
        method: &Method::PUT,
        path_and_query: "/examplebucket/chunkObject.txt",
        headers: &headers,
    };
    Claim::parse(&head, now_ms, &Expected::s3(&|_| true))
}

fn authorization(signed: &str, signature: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,\
         SignedHeaders={signed},Signature={signature}"
    )
}

fn proof(claim: Claim) -> (Option<ChunkChain>, bool) {
    let key = Arc::new(key_for(&claim, SECRET));
    match claim.verify_head(&key).unwrap().1 {
        BodyProof::Chunks { chain, has_trailers } => (chain, has_trailers),
        other => panic!("{other:?}"),
    }
}

fn chunked() -> ChunkChain {
    let authorization = authorization(
        "content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;\
         x-amz-storage-class",
        "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
    );
    let claim = claim(
        &[
            ("host", "s3.amazonaws.com"),
            ("x-amz-date", "20130524T000000Z"),
            ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
            ("authorization", &authorization),
            ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
            ("content-encoding", "aws-chunked"),
            ("x-amz-decoded-content-length", "66560"),
            ("content-length", "66824"),
        ],
        NOW,
    );
    let (chain, has_trailers) = proof(claim.unwrap());
    assert!(!has_trailers);
    chain.unwrap()
}

const CHUNKS: [(usize, &str); 3] = [
    (65_536, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"),
    (1_024, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"),
    (0, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"),
];

#[test]
fn each_chunk_is_signed_with_the_one_before_it() {
    let mut chain = chunked();
    for (length, signature) in CHUNKS {
        chain.verify_chunk(signature, sha256(&vec![b'a'; length])).unwrap();
    }
}

#[test]
fn chunks_that_are_changed_left_out_or_moved_are_refused() {
    let [first, second, last] = CHUNKS;
    let digest = |length| sha256(&vec![b'a'; length]);
    for (length, signature) in [second, last, (65_535, first.1), (first.0, ""), (first.0, second.1)] {
        assert_eq!(chunked().verify_chunk(signature, digest(length)), Err(AuthError::SignatureMismatch));
    }
    let mut chain = chunked();
    chain.verify_chunk(first.1, digest(first.0)).unwrap();
    assert_eq!(chain.verify_chunk(first.1, digest(first.0)), Err(AuthError::SignatureMismatch));
    assert_eq!(chain.verify_chunk(last.1, digest(0)), Err(AuthError::SignatureMismatch));
}

#[test]
fn trailers_are_signed_after_the_last_chunk() {
    let authorization = authorization(
        "content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class;\
         x-amz-trailer",
        "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
    );
    let claim = claim(
        &[
            ("host", "s3.amazonaws.com"),
            ("x-amz-date", "20130524T000000Z"),
            ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
            ("authorization", &authorization),
            ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"),
            ("content-encoding", "aws-chunked"),
            ("x-amz-decoded-content-length", "66560"),
            ("x-amz-trailer", "x-amz-checksum-crc32c"),
        ],
        NOW,
    );
    let (chain, has_trailers) = proof(claim.unwrap());
    let mut chain = chain.unwrap();
    assert!(has_trailers);
    for (length, signature) in [
        (65_536, "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2"),
        (1_024, "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7"),
        (0, "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992"),
    ] {
        chain.verify_chunk(signature, sha256(&vec![b'a'; length])).unwrap();
    }
    let signature = "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435";
    let trailers = sha256(b"x-amz-checksum-crc32c:sOO8/Q==\n");
    chain.verify_trailers(signature, trailers).unwrap();
}
