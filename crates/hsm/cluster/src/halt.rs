//! How a halt is kept through a restart.

use crate::Halt;
use crate::codec::{Malformed, Reader, Writer};

const LONGEST_RULE: usize = 256;

pub(crate) fn write_halt(w: &mut Writer, halt: &Halt) {
    match halt {
        Halt::Forged { sequence } => w.u8(1).u64(*sequence),
        Halt::Reordered { expected, found } => w.u8(2).u64(*expected).u64(*found),
        Halt::Truncated { own, log } => w.u8(3).u64(*own).u64(*log),
        Halt::Forked { sequence } => w.u8(4).u64(*sequence),
        Halt::OtherIncarnation { sequence, own, found } => w.u8(5).u64(*sequence).u32(*own).u32(*found),
        Halt::OtherEpoch { sequence, own, found } => w.u8(6).u64(*sequence).u32(*own).u32(*found),
        Halt::UnknownFormat { sequence, format } => w.u8(7).u64(*sequence).u8(*format),
        Halt::UnknownKind { sequence, kind } => w.u8(8).u64(*sequence).u8(*kind),
        Halt::FeatureLevel { level, supported } => w.u8(9).u32(*level).u32(*supported),
        Halt::Unsound { sequence, rule } => w.u8(10).u64(*sequence).bytes(rule.as_bytes()),
        Halt::DigestMismatch { sequence } => w.u8(11).u64(*sequence),
        Halt::MachineRefused { sequence } => w.u8(12).u64(*sequence),
        Halt::Left { sequence } => w.u8(13).u64(*sequence),
    };
}

pub(crate) fn read_halt(r: &mut Reader<'_>) -> Result<Halt, Malformed> {
    Ok(match r.u8()? {
        1 => Halt::Forged { sequence: r.u64()? },
        2 => Halt::Reordered { expected: r.u64()?, found: r.u64()? },
        3 => Halt::Truncated { own: r.u64()?, log: r.u64()? },
        4 => Halt::Forked { sequence: r.u64()? },
        5 => Halt::OtherIncarnation { sequence: r.u64()?, own: r.u32()?, found: r.u32()? },
        6 => Halt::OtherEpoch { sequence: r.u64()?, own: r.u32()?, found: r.u32()? },
        7 => Halt::UnknownFormat { sequence: r.u64()?, format: r.u8()? },
        8 => Halt::UnknownKind { sequence: r.u64()?, kind: r.u8()? },
        9 => Halt::FeatureLevel { level: r.u32()?, supported: r.u32()? },
        10 => {
            let sequence = r.u64()?;
            let rule = std::str::from_utf8(r.bytes(LONGEST_RULE)?).map_err(|_| Malformed)?;
            Halt::Unsound { sequence, rule: rule.to_owned().into() }
        }
        11 => Halt::DigestMismatch { sequence: r.u64()? },
        12 => Halt::MachineRefused { sequence: r.u64()? },
        13 => Halt::Left { sequence: r.u64()? },
        _ => return Err(Malformed),
    })
}
