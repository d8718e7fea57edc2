//! Traces for people.

use std::fmt;

use super::{Outcome, PolicyTrace, StatementTrace, Trace, Visible};
use crate::document::Effect;

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", Visible(&self.question))?;
        self.policies.iter().try_for_each(|policy| writeln!(f, "{policy}"))?;
        if self.left_out > 0 {
            writeln!(f, "({} more statements do not decide and are not shown)", self.left_out)?;
        }
        write!(f, "=> {}", Visible(&self.conclusion))
    }
}

impl fmt::Display for PolicyTrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{} \"{}\"", self.layer.name(), Visible(name))?,
            None => write!(f, "{}: there is none", self.layer.name())?,
        }
        self.statements.iter().try_for_each(|statement| write!(f, "\n  {statement}"))
    }
}

impl fmt::Display for StatementTrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(through) = self.through {
            return write!(f, "[{}-{through}]: are about other actions", self.at);
        }
        let effect = match self.effect {
            Effect::Allow => "Allow",
            Effect::Deny => "Deny",
        };
        write!(f, "[{}] {effect}", self.at)?;
        if let Some(sid) = &self.sid {
            write!(f, " (Sid \"{}\")", Visible(sid))?;
        }
        match &self.failed {
            Some(failed) => write!(f, ": {}", Visible(failed)),
            None => write!(f, ": {}", self.outcome),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Applies => "applies",
            Self::AppliesToEntity => "applies, to the role or user behind the session",
            Self::AppliesToAccount => "applies, to the account",
            Self::OtherActions => "is about other actions",
            Self::OtherResources => "is about other resources",
            Self::OtherPrincipals => "is about other principals",
            Self::Condition => "a condition does not hold",
            Self::TooMuchWork => "takes more work to compare with the request than a decision may",
        })
    }
}
