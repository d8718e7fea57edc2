//! The operations that grants can allow, and which keys can do them (KMS Developer Guide, "Grant operations").

use crate::domain::access::Nature;
use crate::domain::spec::KeyUsage;
use crate::error::Refusal;

/// What a key must be to do an operation.
#[derive(Clone, Copy)]
enum Doer {
    /// Every key.
    Any,
    /// A symmetric key.
    Symmetric,
    /// A pair.
    Pair,
    /// A key for that.
    Of(KeyUsage),
}

/// An operation that a grant can allow.
struct Row {
    /// As the API calls it.
    name: &'static str,
    /// As policies call it.
    action: &'static str,
    doer: Doer,
    /// Whether the constraints on the encryption context apply to it.
    is_bound: bool,
}

/// In the order of AWS's list.
const TABLE: [Row; 19] = [
    row("Decrypt", "kms:Decrypt", Doer::Of(KeyUsage::EncryptDecrypt)).bound(),
    row("Encrypt", "kms:Encrypt", Doer::Of(KeyUsage::EncryptDecrypt)).bound(),
    row("GenerateDataKey", "kms:GenerateDataKey", Doer::Symmetric).bound(),
    row("GenerateDataKeyWithoutPlaintext", "kms:GenerateDataKeyWithoutPlaintext", Doer::Symmetric).bound(),
    row("ReEncryptFrom", "kms:ReEncryptFrom", Doer::Of(KeyUsage::EncryptDecrypt)).bound(),
    row("ReEncryptTo", "kms:ReEncryptTo", Doer::Of(KeyUsage::EncryptDecrypt)).bound(),
    row("Sign", "kms:Sign", Doer::Of(KeyUsage::SignVerify)),
    row("Verify", "kms:Verify", Doer::Of(KeyUsage::SignVerify)),
    row("GetPublicKey", "kms:GetPublicKey", Doer::Pair),
    row("CreateGrant", "kms:CreateGrant", Doer::Any),
    row("RetireGrant", "kms:RetireGrant", Doer::Any),
    row("DescribeKey", "kms:DescribeKey", Doer::Any),
    row("GenerateDataKeyPair", "kms:GenerateDataKeyPair", Doer::Symmetric).bound(),
    row("GenerateDataKeyPairWithoutPlaintext", "kms:GenerateDataKeyPairWithoutPlaintext", Doer::Symmetric)
        .bound(),
    row("GenerateMac", "kms:GenerateMac", Doer::Of(KeyUsage::GenerateVerifyMac)),
    row("VerifyMac", "kms:VerifyMac", Doer::Of(KeyUsage::GenerateVerifyMac)),
    row("DeriveSharedSecret", "kms:DeriveSharedSecret", Doer::Of(KeyUsage::KeyAgreement)),
    row("Encapsulate", "kms:Encapsulate", Doer::Of(KeyUsage::EncapsulateDecapsulate)),
    row("Decapsulate", "kms:Decapsulate", Doer::Of(KeyUsage::EncapsulateDecapsulate)),
];

const fn row(name: &'static str, action: &'static str, doer: Doer) -> Row {
    Row { name, action, doer, is_bound: false }
}

impl Row {
    const fn bound(self) -> Self {
        Self { is_bound: true, ..self }
    }
}

/// One of the operations.
#[derive(Clone, Copy)]
pub(crate) struct Operation(&'static Row, u32);

impl Operation {
    fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().zip(0_u32..).map(|(row, at)| Self(row, 1 << at))
    }

    /// The operation that policies call so.
    pub(crate) fn of_action(action: &str) -> Option<Self> {
        Self::all().find(|operation| operation.0.action == action)
    }

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        self.0.name
    }

    /// The one action that it stands for, as a list.
    pub(crate) fn actions(self) -> &'static [&'static str] {
        std::slice::from_ref(&self.0.action)
    }

    /// Whether the constraints on the encryption context apply to it: to cryptography with symmetric keys, and not to
    /// DescribeKey, RetireGrant and CreateGrant (KMS API Reference, GrantConstraints).
    pub(crate) fn is_bound(self) -> bool {
        self.0.is_bound
    }

    fn can_be_done_by(self, key: Nature) -> bool {
        match self.0.doer {
            Doer::Any => true,
            Doer::Symmetric => key.spec.is_symmetric(),
            Doer::Pair => key.spec.is_asymmetric(),
            Doer::Of(usage) => key.usage == usage,
        }
    }
}

/// A set of operations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Operations(u32);

impl Operations {
    /// The operations of those names. `None` if there is no operation of one of them.
    pub(crate) fn parse<'n>(names: impl IntoIterator<Item = &'n str>) -> Option<Self> {
        let mut set = Self::default();
        for name in names {
            set.0 |= Operation::all().find(|operation| operation.0.name == name)?.1;
        }
        Some(set)
    }

    /// The operations that a request or a seed names.
    pub(crate) fn asked_for<'n>(names: impl IntoIterator<Item = &'n str>) -> Result<Self, Refusal> {
        let none = || Refusal::Validation("An operation is none that grants allow.".to_owned());
        Self::parse(names).ok_or_else(none)
    }

    /// Refuses what no grant of that key can allow.
    pub(crate) fn check(self, key: Nature) -> Result<(), Refusal> {
        if self == Self::default() {
            return Err(Refusal::Validation("A grant must contain at least one operation.".to_owned()));
        }
        // AWS's own words, as callers have met them.
        if self.names().eq(["CreateGrant"]) {
            return Err(Refusal::Validation(
                "Grants must not contain only the CreateGrant operation.".to_owned(),
            ));
        }
        match self.iter().find(|operation| !operation.can_be_done_by(key)) {
            None => Ok(()),
            Some(operation) => Err(Refusal::Validation(format!(
                "Operation {} is not supported by keys of key spec {} and key usage {}.",
                operation.name(),
                key.spec.as_str(),
                key.usage.as_str()
            ))),
        }
    }

    /// Whether it is among them.
    pub(crate) fn contains(self, operation: Operation) -> bool {
        self.0 & operation.1 != 0
    }

    /// Whether all of them are among the others.
    pub(crate) fn is_within(self, others: Self) -> bool {
        self.0 & !others.0 == 0
    }

    fn iter(self) -> impl Iterator<Item = Operation> {
        Operation::all().filter(move |operation| self.contains(*operation))
    }

    /// Their names, in AWS's order.
    pub(crate) fn names(self) -> impl Iterator<Item = &'static str> {
        self.iter().map(Operation::name)
    }
}
