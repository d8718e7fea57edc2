//! The kinds of policies, which differ in the elements that they must, may and may not have.

/// What a document is to be. The policy language is one; what AWS accepts of it depends on where the policy
/// is attached (IAM User Guide, "Grammar of the IAM JSON policy language").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Attached to a user, group or role, inline. It names no principals: it speaks of those that it is
    /// attached to.
    Identity,
    /// A managed policy, attached to users, groups and roles or their permissions boundary. It is as
    /// [`Identity`](Self::Identity), and of version 2012-10-17.
    Managed,
    /// Passed to a session of a role or of GetFederationToken. It is as [`Identity`](Self::Identity), and its
    /// resources have all their fields.
    Session,
    /// Attached to a resource. Each statement names its principals.
    Resource,
    /// Attached to a role, and about who may assume it. Each statement names principals and no resources.
    Trust,
    /// A KMS key's. Each statement names its principals. One without actions or resources is accepted and
    /// has no effect (KMS Developer Guide, "Key policies").
    Key,
}

/// Whether a statement has an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    Required,
    /// A statement without it is taken as one with an empty list.
    Optional,
    Never,
}

impl Kind {
    /// The most bytes that a document may have, whitespace included. For [`Kind::Key`] it is KMS's quota,
    /// otherwise the length that IAM's API takes. IAM's quotas, which ignore whitespace, are IAM's to check.
    pub const fn max_bytes(self) -> usize {
        match self {
            Self::Identity | Self::Managed | Self::Session | Self::Resource | Self::Trust => 131_072,
            Self::Key => 32_768,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Identity => "an identity-based policy",
            Self::Managed => "a managed policy",
            Self::Session => "a session policy",
            Self::Resource => "a resource-based policy",
            Self::Trust => "a trust policy",
            Self::Key => "a key policy",
        }
    }

    /// Whether it speaks of those that it is attached to, and names nobody.
    pub(super) fn is_of_identity(self) -> bool {
        matches!(self, Self::Identity | Self::Managed | Self::Session)
    }

    /// `Id`.
    pub(super) fn may_have_id(self) -> bool {
        !self.is_of_identity()
    }

    /// Whether it must be of version 2012-10-17.
    pub(super) fn wants_new_version(self) -> bool {
        self == Self::Managed
    }

    /// Whether fields that are missing at the end of a resource's ARN stand for anything.
    pub(super) fn completes_resources(self) -> bool {
        matches!(self, Self::Identity | Self::Managed)
    }

    /// Whether each `Sid` is of letters and digits only, as IAM wants it.
    pub(super) fn has_plain_sids(self) -> bool {
        self.is_of_identity() || self == Self::Trust
    }

    /// `Principal` or `NotPrincipal`.
    pub(super) fn principals(self) -> Presence {
        if self.is_of_identity() { Presence::Never } else { Presence::Required }
    }

    pub(super) fn may_have_not_principal(self) -> bool {
        matches!(self, Self::Resource | Self::Key)
    }

    /// Whether `"Principal": "*"` is the same as `"Principal": {"AWS": "*"}`. In trust policies only the
    /// latter is accepted.
    pub(super) fn may_have_bare_anyone(self) -> bool {
        self != Self::Trust
    }

    /// Identity providers are principals where roles are assumed.
    pub(super) fn may_have_federated(self) -> bool {
        self == Self::Trust
    }

    /// `Action` or `NotAction`.
    pub(super) fn actions(self) -> Presence {
        if self == Self::Key { Presence::Optional } else { Presence::Required }
    }

    /// `Resource` or `NotResource`.
    pub(super) fn resources(self) -> Presence {
        match self {
            Self::Identity | Self::Managed | Self::Session | Self::Resource => Presence::Required,
            Self::Key => Presence::Optional,
            Self::Trust => Presence::Never,
        }
    }
}
