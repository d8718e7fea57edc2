//! The authority that signs the cluster's certificate: the customer's own, or one that is made here, once.

use std::path::Path;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use strongroom_crypto::CryptoError;
use strongroom_crypto::ec::{self, Curve};
use strongroom_crypto::rsa;
use strongroom_pki::{
    Certificate, CertificateRequest, Identity, Kind, Name, Signer, Validity, private_key_pem, self_sign,
};
use strongroom_secret::SecretString;

use super::folder::{Folder, read, write_private, write_public};

/// How long certificates are valid: ten years, as in CloudHSM's User Guide.
const VALID_SECONDS: i64 = 3_652 * 86_400;
/// Certificates are valid from a minute ago: clocks of two machines differ.
const EARLIER_SECONDS: i64 = 60;
/// AlgorithmIdentifier of RSA keys, and version 0: what PKCS#8 has before a key in PKCS#1 form (RFC 5958).
const RSA_PREFIX: &[u8] =
    &[0x02, 1, 0, 0x30, 13, 0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0];

/// An authority that can sign.
pub(crate) struct Authority {
    /// Its certificates as they were given: the trust anchor.
    pub(crate) certificates: String,
    issuer: Certificate,
    key: Box<dyn Signer + Send + Sync>,
}

impl Authority {
    /// The authority of these files.
    pub(crate) fn load(certificate: &Path, key: &Path) -> Result<Self> {
        let there = |file: &Path| read(file)?.with_context(|| format!("{} is not there", file.display()));
        let certificates = there(certificate)?;
        let issuer = Certificate::chain_from_pem(&certificates)
            .ok()
            .and_then(|chain| chain.into_iter().next())
            .with_context(|| format!("{} holds no certificates in PEM", certificate.display()))?;
        let text = SecretString::new(there(key)?);
        let signer = signer(text.expose()).with_context(|| key.display().to_string())?;
        let public_key =
            signer.public_key().map_err(|CryptoError| anyhow!("the key of {} is broken", key.display()))?;
        ensure!(
            issuer.is_for_key(&public_key),
            "{} is not the private key of {}",
            key.display(),
            certificate.display()
        );
        Ok(Self { certificates, issuer, key: signer })
    }

    /// The authority in the folder, made if it is not there. `now` is in seconds since 1970.
    pub(crate) fn load_or_make(folder: &Folder, now: i64) -> Result<Self> {
        let (certificate, key) = (folder.local_authority(), folder.local_authority_key());
        if certificate.exists() && key.exists() {
            return Self::load(&certificate, &key);
        }
        let made = ec::PrivateKey::generate(Curve::P256)?;
        let validity = Validity { not_before: now - EARLIER_SECONDS, not_after: now + VALID_SECONDS };
        let name = Name::new().organization("Strongroom").common_name("Customer CA of strongroom up");
        let root = self_sign(&Identity::new(name, Kind::Authority { path_length: None }, validity), &made)?;
        // The key first: a certificate without its key would be of no use.
        write_private(&key, private_key_pem(&made.to_pkcs8()?).expose())?;
        write_public(&certificate, &root.to_pem())?;
        Ok(Self { certificates: root.to_pem(), issuer: root, key: Box::new(made) })
    }

    /// Signs a cluster's request, and gives the certificate as PEM. `hsm_certificate` is the HSM's own, which has the
    /// same key: the request comes from inside it.
    pub(crate) fn sign(&self, csr: &str, hsm_certificate: &str, now: i64) -> Result<String> {
        let request = CertificateRequest::from_pem(csr).context("the cluster's request cannot be read")?;
        request.verify().map_err(|CryptoError| anyhow!("the cluster's request does not verify"))?;
        let hsm = Certificate::from_pem(hsm_certificate).context("the HSM's certificate cannot be read")?;
        ensure!(
            hsm.is_for_key(request.public_key()),
            "the cluster's request is not from the HSM: their keys differ"
        );
        ensure!(self.issuer.is_valid_at(now), "the authority's certificate is not valid now");
        let validity = Validity {
            not_before: (now - EARLIER_SECONDS).max(self.issuer.not_before()),
            not_after: (now + VALID_SECONDS).min(self.issuer.not_after()),
        };
        Ok(request.answer(validity, &self.issuer, &&*self.key)?.to_pem())
    }
}

/// Whether the authority's certificates, as PEM, begin with who signed a cluster's certificate.
pub(crate) fn signed(authority: &str, cluster_certificate: &str) -> bool {
    let issuer = Certificate::chain_from_pem(authority).ok().and_then(|chain| chain.into_iter().next());
    let certificate = Certificate::from_pem(cluster_certificate).ok();
    issuer.zip(certificate).is_some_and(|(issuer, certificate)| certificate.verify_signed_by(&issuer).is_ok())
}

/// Reads a private key in PEM, in any of the forms that openssl writes.
fn signer(text: &str) -> Result<Box<dyn Signer + Send + Sync>> {
    if text.contains("ENCRYPTED") {
        bail!("the key is encrypted; decrypt it for this, with: openssl pkey -in FILE -out OTHER-FILE");
    }
    let key = PrivateKeyDer::from_pem_slice(text.as_bytes())
        .map_err(|_| anyhow!("it holds no private key in PEM"))?;
    let unknown = || anyhow!("the key is neither RSA nor on P-256, P-384 or P-521");
    match key {
        PrivateKeyDer::Pkcs8(key) => {
            let der = key.secret_pkcs8_der();
            if let Ok(key) = rsa::PrivateKey::from_pkcs8(der) {
                return Ok(Box::new(key));
            }
            Ok(Box::new(ec::PrivateKey::from_pkcs8(der).map_err(|CryptoError| unknown())?))
        }
        PrivateKeyDer::Sec1(key) => {
            let curves = [Curve::P256, Curve::P384, Curve::P521];
            let der = key.secret_sec1_der();
            let key = curves.into_iter().find_map(|curve| ec::PrivateKey::from_sec1(curve, der).ok());
            Ok(Box::new(key.ok_or_else(unknown)?))
        }
        PrivateKeyDer::Pkcs1(key) => {
            let octets = strongroom_secret::SecretBytes::new(element(0x04, &[key.secret_pkcs1_der()])?);
            let der = strongroom_secret::SecretBytes::new(element(0x30, &[RSA_PREFIX, octets.expose()])?);
            Ok(Box::new(rsa::PrivateKey::from_pkcs8(der.expose()).map_err(|CryptoError| unknown())?))
        }
        _ => Err(unknown()),
    }
}

/// An element of DER that is longer than 255 bytes, as every RSA key is.
fn element(tag: u8, parts: &[&[u8]]) -> Result<Vec<u8>> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    ensure!(length > 0xff, "the key is too short");
    let length = u16::try_from(length).context("the key is too long")?;
    Ok([&[tag, 0x82][..], &length.to_be_bytes(), &parts.concat()].concat())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const NOW: i64 = 1_795_774_501;

    fn request(key: &impl Signer) -> (String, String) {
        let name = Name::new().common_name("cluster");
        let validity = Validity { not_before: NOW - 10, not_after: NOW + 10 };
        let hsm = self_sign(&Identity::new(name.clone(), Kind::Endpoint, validity), key).unwrap();
        (CertificateRequest::create(&name, key).unwrap().to_pem(), hsm.to_pem())
    }

    #[test]
    fn an_authority_is_made_once_and_its_key_is_its_owner_s() {
        let data = tempfile::tempdir().unwrap();
        let folder = Folder::open(data.path()).unwrap();
        let made = Authority::load_or_make(&folder, NOW).unwrap();
        assert_eq!(folder.local_authority_key().metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let again = Authority::load_or_make(&folder, NOW + 1).unwrap();
        assert_eq!(made.certificates, again.certificates);

        let cluster = ec::PrivateKey::generate(Curve::P256).unwrap();
        let (csr, hsm) = request(&cluster);
        let certificate = again.sign(&csr, &hsm, NOW).unwrap();
        assert!(signed(&made.certificates, &certificate));
        let (_, another) = request(&ec::PrivateKey::generate(Curve::P256).unwrap());
        assert!(again.sign(&csr, &another, NOW).unwrap_err().to_string().contains("not from the HSM"));
    }

    /// openssl writes keys in five forms.
    #[test]
    fn keys_are_read_in_every_form() {
        let folder = tempfile::tempdir().unwrap();
        let run = |line: &str| {
            let ended = std::process::Command::new("openssl")
                .args(line.split_whitespace())
                .current_dir(folder.path())
                .output()
                .unwrap();
            assert!(ended.status.success(), "{line}: {}", String::from_utf8_lossy(&ended.stderr));
        };
        run("genrsa -out rsa 2048");
        run("rsa -in rsa -traditional -out rsa-old");
        run("ecparam -name secp384r1 -genkey -out ec-old");
        run("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:prime256v1 -out ec");
        for key in ["rsa", "rsa-old", "ec-old", "ec"] {
            run(&format!("req -x509 -new -key {key} -subj /CN={key} -days 9 -out {key}.crt"));
            let path = |name: &str| folder.path().join(name);
            Authority::load(&path(&format!("{key}.crt")), &path(key)).unwrap();
        }
        let refused = |certificate: &str, key: &str| {
            let path = |name: &str| folder.path().join(name);
            format!("{:#}", Authority::load(&path(certificate), &path(key)).err().unwrap())
        };
        assert!(refused("rsa.crt", "ec").contains("is not the private key of"));
        assert!(refused("rsa.crt", "rsa.crt").contains("no private key in PEM"));
        assert!(refused("rsa.crt", "nothing").contains("is not there"));
        assert!(refused("rsa", "rsa").contains("no certificates"));
        run("pkcs8 -topk8 -in rsa -passout pass:secret -out encrypted");
        assert!(refused("rsa.crt", "encrypted").contains("openssl pkey"));
        run("genpkey -algorithm ED25519 -out ed");
        assert!(refused("rsa.crt", "ed").contains("neither RSA"));
    }
}
