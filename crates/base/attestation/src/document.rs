//! What a document says.

use std::collections::BTreeMap;

use strongroom_crypto::hex;
use strongroom_pki::Certificate;

use crate::chain::{self, MAX_AUTHORITIES};
use crate::cursor::Cursor;
use crate::sign1::Sign1;
use crate::{MAX_LENGTH, NotBelieved};

/// The only digest there is.
const DIGEST: &str = "SHA384";

/// The registers of an enclave or a TPM: 0 to 31, each a SHA-256, SHA-384 or SHA-512.
const REGISTERS: std::ops::Range<u64> = 0..32;
const REGISTER_LENGTHS: [usize; 3] = [32, 48, 64];

/// The register with the measurement of the enclave's image.
const IMAGE: u8 = 0;

/// The most members of a document. There are nine.
const MAX_MEMBERS: usize = 32;

/// The most bytes of a certificate and of the public key, of the user's data and of the nonce.
const MAX_PART: usize = 1024;

/// What a document measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measured {
    /// A Nitro enclave.
    Enclave,
    /// An instance with a NitroTPM, whose registers say other things under the same numbers.
    Instance,
}

/// A document that was believed.
#[derive(Clone, Debug)]
pub struct Attestation {
    module_id: String,
    measured: Measured,
    registers: BTreeMap<u8, Vec<u8>>,
    public_key: Option<Vec<u8>>,
}

impl Attestation {
    /// Reads a document and proves that its enclave's hypervisor signed it: `roots` are the ends of chains that are trusted,
    /// `now` is in seconds since 1970. A document counts as long as its certificates do, which for AWS's is three hours.
    pub fn believed(document: &[u8], roots: &[Certificate], now: i64) -> Result<Self, NotBelieved> {
        if document.len() > MAX_LENGTH {
            return Err(NotBelieved::Malformed);
        }
        let envelope = Sign1::read(document)?;
        let payload = Payload::read(envelope.payload)?;
        let signer = chain::verified(payload.certificate, &payload.authorities, roots, now)?;
        envelope.verify(&signer)?;
        let (measured, registers) = payload.registers;
        let registers = registers.into_iter().map(|(number, value)| (number, value.to_vec())).collect();
        let public_key = payload.public_key.map(<[u8]>::to_vec);
        Ok(Self { module_id: payload.module_id.to_owned(), measured, registers, public_key })
    }

    /// The id of the Nitro Secure Module that made it: instance and enclave.
    #[must_use]
    pub fn module_id(&self) -> &str {
        &self.module_id
    }

    /// What it measures.
    #[must_use]
    pub fn measured(&self) -> Measured {
        self.measured
    }

    /// The measurement of an enclave's image, PCR0, in lower-case hexadecimal.
    #[must_use]
    pub fn image_digest(&self) -> Option<String> {
        let image = self.registers.get(&IMAGE).filter(|_| self.measured == Measured::Enclave);
        image.map(|value| hex::encode(value))
    }

    /// All its registers by number, in lower-case hexadecimal.
    pub fn registers(&self) -> impl Iterator<Item = (u8, String)> + '_ {
        self.registers.iter().map(|(number, value)| (*number, hex::encode(value)))
    }

    /// The public key that the enclave put in, if it did: bytes of its choice, which for KMS are a DER SubjectPublicKeyInfo.
    #[must_use]
    pub fn public_key(&self) -> Option<&[u8]> {
        self.public_key.as_deref()
    }
}

/// Registers by their numbers.
type Registers<'d> = BTreeMap<u8, &'d [u8]>;

/// The map that is signed.
struct Payload<'d> {
    module_id: &'d str,
    registers: (Measured, Registers<'d>),
    certificate: &'d [u8],
    authorities: Vec<&'d [u8]>,
    public_key: Option<&'d [u8]>,
}

/// Its members as they are found.
#[derive(Default)]
struct Members<'d> {
    module_id: Option<&'d str>,
    digest: Option<&'d str>,
    timestamp: Option<u64>,
    registers: Option<Registers<'d>>,
    tpm_registers: Option<Registers<'d>>,
    certificate: Option<&'d [u8]>,
    authorities: Option<Vec<&'d [u8]>>,
    public_key: Option<&'d [u8]>,
    user_data: Option<&'d [u8]>,
    nonce: Option<&'d [u8]>,
}

impl<'d> Payload<'d> {
    fn read(payload: &'d [u8]) -> Result<Self, NotBelieved> {
        let mut cursor = Cursor::new(payload);
        let count = cursor.map()?;
        if count > MAX_MEMBERS {
            return Err(NotBelieved::Malformed);
        }
        let (mut found, mut names) = (Members::default(), Vec::with_capacity(count));
        for _ in 0..count {
            let name = cursor.text()?;
            // A map that has a member twice says two things.
            if names.contains(&name) {
                return Err(NotBelieved::Malformed);
            }
            names.push(name);
            found.read(name, &mut cursor)?;
        }
        cursor.end()?;
        found.checked().ok_or(NotBelieved::Malformed)
    }
}

impl<'d> Members<'d> {
    /// Reads one member. A name that is not known may be one of later documents.
    fn read(&mut self, name: &str, cursor: &mut Cursor<'d>) -> Result<(), NotBelieved> {
        match name {
            "module_id" => self.module_id = Some(cursor.text()?),
            "digest" => self.digest = Some(cursor.text()?),
            "timestamp" => self.timestamp = Some(cursor.unsigned()?),
            "pcrs" => self.registers = Some(registers(cursor)?),
            "nitrotpm_pcrs" => self.tpm_registers = Some(registers(cursor)?),
            "certificate" => self.certificate = Some(cursor.bytes()?),
            "cabundle" => self.authorities = Some(authorities(cursor)?),
            "public_key" => self.public_key = cursor.optional_bytes()?,
            "user_data" => self.user_data = cursor.optional_bytes()?,
            "nonce" => self.nonce = cursor.optional_bytes()?,
            _ => cursor.skip()?,
        }
        Ok(())
    }

    fn checked(self) -> Option<Payload<'d>> {
        let parts = [self.public_key, self.user_data, self.nonce];
        let short = parts.into_iter().flatten().all(|part| part.len() <= MAX_PART);
        let sound = self.digest? == DIGEST && self.timestamp? > 0 && short;
        let public_key = self.public_key;
        let module_id = self.module_id.filter(|id| !id.is_empty())?;
        let registers = match (self.registers, self.tpm_registers) {
            (Some(registers), None) => (Measured::Enclave, registers),
            (None, Some(registers)) => (Measured::Instance, registers),
            _ => return None,
        };
        let (certificate, authorities) = (self.certificate?, self.authorities?);
        sound.then_some(Payload { module_id, registers, certificate, authorities, public_key })
    }
}

fn registers<'d>(cursor: &mut Cursor<'d>) -> Result<Registers<'d>, NotBelieved> {
    let count = cursor.map()?;
    if !(1..=REGISTERS.end).contains(&(count as u64)) {
        return Err(NotBelieved::Malformed);
    }
    let mut registers = BTreeMap::new();
    for _ in 0..count {
        let (number, value) = (cursor.unsigned()?, cursor.bytes()?);
        let number = u8::try_from(number).ok().filter(|number| REGISTERS.contains(&u64::from(*number)));
        let number = number.ok_or(NotBelieved::Malformed)?;
        if !REGISTER_LENGTHS.contains(&value.len()) || registers.insert(number, value).is_some() {
            return Err(NotBelieved::Malformed);
        }
    }
    Ok(registers)
}

fn authorities<'d>(cursor: &mut Cursor<'d>) -> Result<Vec<&'d [u8]>, NotBelieved> {
    let count = cursor.array()?;
    if !(1..=MAX_AUTHORITIES).contains(&count) {
        return Err(NotBelieved::Malformed);
    }
    let mut authorities = Vec::with_capacity(count);
    for _ in 0..count {
        let der = cursor.bytes()?;
        if !(1..=MAX_PART).contains(&der.len()) {
            return Err(NotBelieved::Malformed);
        }
        authorities.push(der);
    }
    Ok(authorities)
}
