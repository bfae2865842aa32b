//! Limits, as tables and memories have them.

use crate::types::Limits;

/// The size limits of a table, in elements, or of a memory, in pages of 64 KiB. `max` is `wasm_limits_max_default` where
/// there is no maximum, or one that does not fit; `libwasm.h` has the exact limits.
#[repr(C)]
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct wasm_limits_t {
    pub min: u32,
    pub max: u32,
}

/// `wasm_limits_max_default`: no maximum.
const NO_MAX: u32 = u32::MAX;

impl wasm_limits_t {
    /// Limits as C sees them: what is beyond 32 bits saturates.
    pub fn saturating(limits: Limits) -> wasm_limits_t {
        let narrow = |limit: u64| u32::try_from(limit).unwrap_or(NO_MAX);
        wasm_limits_t { min: narrow(limits.min), max: limits.max.map_or(NO_MAX, narrow) }
    }

    pub fn limits(self) -> Limits {
        Limits { min: self.min.into(), max: (self.max != NO_MAX).then_some(self.max.into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_beyond_32_bits_saturate() {
        let c = |min, max| wasm_limits_t::saturating(Limits { min, max });
        let (fits, beyond) = (u64::from(u32::MAX), u64::from(u32::MAX) + 1);
        assert_eq!(c(1, Some(2)), wasm_limits_t { min: 1, max: 2 });
        assert_eq!(c(1, None), wasm_limits_t { min: 1, max: NO_MAX });
        assert_eq!(c(fits, Some(fits)), wasm_limits_t { min: u32::MAX, max: NO_MAX });
        assert_eq!(c(beyond, Some(beyond)), wasm_limits_t { min: u32::MAX, max: NO_MAX });
        assert_eq!(c(u64::MAX, Some(u64::MAX)), wasm_limits_t { min: u32::MAX, max: NO_MAX });
        assert_eq!(c(0, Some(fits - 1)).limits(), Limits { min: 0, max: Some(fits - 1) });
        assert_eq!(c(0, Some(beyond)).limits(), Limits { min: 0, max: None });
    }
}
