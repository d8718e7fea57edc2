//! Reading a certificate signing request never panics, as PEM or as DER; what was read is written and read again
//! as the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use strongroom_pki::CertificateRequest;

fuzz_target!(|data: &[u8]| {
    let pem = std::str::from_utf8(data).ok().and_then(|text| CertificateRequest::from_pem(text).ok());
    let der = CertificateRequest::from_der(data).ok();
    for request in pem.into_iter().chain(der) {
        assert_eq!(CertificateRequest::from_pem(&request.to_pem()).as_ref(), Ok(&request));
        let _ = (request.subject(), request.verify());
    }
});
