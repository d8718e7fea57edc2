//! Certificate authorities, made with the `openssl` program as the documentation tells customers to.

use std::fs;
use std::path::Path;
use std::process::Command;

use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use tempfile::TempDir;

/// An authority with a self-signed root.
pub(crate) struct Authority {
    folder: TempDir,
    pub(crate) certificate: String,
    pub(crate) key: String,
}

/// A certificate that an authority issued.
pub(crate) struct Issued {
    pub(crate) certificate: String,
    pub(crate) key: String,
    /// As `openssl x509 -text` prints it.
    pub(crate) text: String,
}

impl Authority {
    /// `algorithm` is `rsa:BITS` or `ec:CURVE`.
    pub(crate) fn new(algorithm: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let mut arguments =
            vec!["req", "-x509", "-nodes", "-keyout", "ca.key", "-out", "ca.crt", "-days", "3650"];
        arguments.extend(["-subj", "/C=US/O=Example/CN=Example CA", "-newkey"]);
        let curve;
        match algorithm.split_once(':').unwrap() {
            ("ec", name) => {
                curve = format!("ec_paramgen_curve:{name}");
                arguments.extend(["ec", "-pkeyopt", &curve]);
            }
            _ => arguments.push(algorithm),
        }
        openssl(folder.path(), &arguments);
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        Self { certificate: read("ca.crt"), key: read("ca.key"), folder }
    }

    /// A certificate for a new RSA key, without extensions: of version 1.
    pub(crate) fn issue(&self, validity: &[&str]) -> Issued {
        let folder = self.folder.path();
        let subject = "/C=US/O=Example/CN=HSM:1:PARTN:1, for FIPS mode";
        openssl(
            folder,
            &[
                "req", "-new", "-nodes", "-newkey", "rsa:2048", "-keyout", "leaf.key", "-out", "leaf.csr",
                "-subj", subject,
            ],
        );
        let mut sign = vec![
            "x509",
            "-req",
            "-in",
            "leaf.csr",
            "-CA",
            "ca.crt",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-out",
            "leaf.crt",
        ];
        if validity[0] == "-days" {
            sign.extend(validity);
            openssl(folder, &sign);
        } else {
            // `x509` of OpenSSL 3.0 knows no dates, `ca` does.
            fs::write(folder.join("index.txt"), "").unwrap();
            let config = "[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\nnew_certs_dir=.\nrand_serial=yes\nunique_subject=no\ndefault_md=sha256\npolicy=p\n[p]\nC=optional\nO=optional\nCN=supplied\n";
            fs::write(folder.join("ca.cnf"), config).unwrap();
            let (begin, end) = (validity[1], validity[3]);
            openssl(
                folder,
                &[
                    "ca",
                    "-batch",
                    "-notext",
                    "-config",
                    "ca.cnf",
                    "-cert",
                    "ca.crt",
                    "-keyfile",
                    "ca.key",
                    "-in",
                    "leaf.csr",
                    "-out",
                    "leaf.crt",
                    "-startdate",
                    begin,
                    "-enddate",
                    end,
                ],
            );
        }
        let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
        let text = openssl(folder, &["x509", "-in", "leaf.crt", "-noout", "-text"]);
        Issued { certificate: read("leaf.crt"), key: read("leaf.key"), text }
    }

    /// A certificate for a new key, signed by `issuer`, or by this authority. With extensions it is of version 3.
    pub(crate) fn issue_under(&self, issuer: Option<&Issued>, subject: &str, extensions: &[&str]) -> Issued {
        let folder = self.folder.path();
        let (certificate, key) =
            issuer.map_or((&self.certificate, &self.key), |issuer| (&issuer.certificate, &issuer.key));
        fs::write(folder.join("issuer.crt"), certificate).unwrap();
        fs::write(folder.join("issuer.key"), key).unwrap();
        fs::write(folder.join("extensions"), extensions.join("\n")).unwrap();
        let subject = format!("/CN={subject}");
        let request = ["req", "-new", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
        openssl(
            folder,
            &[&request[..], &["-keyout", "new.key", "-out", "new.csr", "-subj", &subject]].concat(),
        );
        let mut sign = vec!["x509", "-req", "-in", "new.csr", "-CA", "issuer.crt", "-CAkey", "issuer.key"];
        sign.extend(["-CAcreateserial", "-days", "30", "-out", "new.crt"]);
        if !extensions.is_empty() {
            sign.extend(["-extfile", "extensions"]);
        }
        openssl(folder, &sign);
        let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
        let text = openssl(folder, &["x509", "-in", "new.crt", "-noout", "-text"]);
        Issued { certificate: read("new.crt"), key: read("new.key"), text }
    }

    pub(crate) fn der(&self) -> Vec<u8> {
        CertificateDer::from_pem_slice(self.certificate.as_bytes()).unwrap().to_vec()
    }

    pub(crate) fn key_der(&self) -> Vec<u8> {
        PrivateKeyDer::from_pem_slice(self.key.as_bytes()).unwrap().secret_der().to_vec()
    }
}

impl Issued {
    pub(crate) fn der(&self) -> Vec<u8> {
        CertificateDer::from_pem_slice(self.certificate.as_bytes()).unwrap().to_vec()
    }

    pub(crate) fn key_der(&self) -> Vec<u8> {
        PrivateKeyDer::from_pem_slice(self.key.as_bytes()).unwrap().secret_der().to_vec()
    }
}

fn openssl(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("openssl").current_dir(folder).args(arguments).output().unwrap();
    assert!(output.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
