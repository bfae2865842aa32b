//! Values as both the library under test and the oracle see them, and values that programs trip over.

use super::support::*;

/// A WebAssembly value. Floats are their bits.
#[derive(Copy, Clone, Debug)]
pub enum Value {
    I32(i32),
    I64(i64),
    F32(u32),
    F64(u64),
    V128(u128),
    /// Null, or a function: the position of its first export among the exported functions, or [`SOME_FUNC`].
    Func(Option<u32>),
    /// Null, or a host object: its number.
    Extern(Option<u32>),
    /// Null, of a kind of references that is none of the two above.
    Null(u8),
    /// Another object: a number that depends on what it is and has in it (`objects.rs`).
    Object(u64),
}

/// A function of which nothing but that it is one is compared.
pub const SOME_FUNC: u32 = u32::MAX;

/// The number of host objects that can be external references.
pub const OBJECTS: u32 = 4;

impl Value {
    fn is_null(&self) -> bool {
        matches!(self, Value::Func(None) | Value::Extern(None) | Value::Null(_))
    }

    /// Whether two results agree: all NaNs are one, and so are all nulls.
    pub fn agrees(&self, other: &Value) -> bool {
        match (*self, *other) {
            (a, b) if a.is_null() || b.is_null() => a.is_null() && b.is_null(),
            (Value::I32(a), Value::I32(b)) => a == b,
            (Value::I64(a), Value::I64(b)) => a == b,
            (Value::F32(a), Value::F32(b)) => a == b || f32::from_bits(a).is_nan() && f32::from_bits(b).is_nan(),
            (Value::F64(a), Value::F64(b)) => a == b || f64::from_bits(a).is_nan() && f64::from_bits(b).is_nan(),
            (Value::V128(a), Value::V128(b)) => a == b,
            (Value::Func(a), Value::Func(b)) | (Value::Extern(a), Value::Extern(b)) => a == b,
            (Value::Object(a), Value::Object(b)) => a == b,
            _ => false,
        }
    }

    /// A number that depends on all of the value.
    pub fn digest(&self) -> u64 {
        match *self {
            Value::I32(x) => x as u64,
            Value::I64(x) => x as u64,
            Value::F32(x) => {
                if f32::from_bits(x).is_nan() {
                    1
                } else {
                    u64::from(x)
                }
            }
            Value::F64(x) => {
                if f64::from_bits(x).is_nan() {
                    1
                } else {
                    x
                }
            }
            Value::V128(x) => (x >> 64) as u64 ^ (x as u64).rotate_left(7),
            Value::Func(x) | Value::Extern(x) => x.map_or(2, u64::from),
            Value::Null(_) => 2,
            Value::Object(x) => x,
        }
    }
}

/// Pseudo-random numbers, by SplitMix64: what is not in the bytes of an input and still depends on them only.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// A number below `end`, which is not zero.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// An integer near zero, a power of two, the end of a page, or anywhere.
    fn integer(&mut self) -> i64 {
        let near = self.below(5) as i64 - 2;
        match self.below(5) {
            0 => near,
            1 => (1i64 << self.below(64)).wrapping_add(near),
            2 => (self.below(8) as i64 * 0x1_0000).wrapping_sub(self.below(20) as i64),
            3 => self.below(200) as i64,
            _ => self.next() as i64,
        }
    }

    /// A float: an integer, a number at an end of an integer's range, infinite, not a number, subnormal, or of any bits.
    fn float(&mut self) -> f64 {
        match self.below(6) {
            0 => self.integer() as f64,
            1 => [0.0, -0.0, 0.5, -0.5, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, -f64::NAN][self.below(8) as usize],
            2 => {
                [f64::MIN_POSITIVE, f64::MAX, f64::from(f32::MIN_POSITIVE), f64::from(f32::MAX)][self.below(4) as usize]
            }
            3 => 2f64.powi([31, 32, 63, 64][self.below(4) as usize]) - self.below(2) as f64,
            4 => f64::from_bits(self.next() >> 12),
            _ => f64::from_bits(self.next()),
        }
    }

    /// A value of a kind. Functions are of the first `funcs`.
    pub fn value(&mut self, kind: u8, funcs: u32) -> Value {
        let one_of = |random: &mut Random, count: u32| match random.below(u64::from(count) + 1) {
            0 => None,
            n => Some(n as u32 - 1),
        };
        match kind {
            WASM_I32 => Value::I32(self.integer() as i32),
            WASM_I64 => Value::I64(self.integer()),
            WASM_F32 if self.below(4) == 0 => Value::F32(self.next() as u32),
            WASM_F32 => Value::F32((self.float() as f32).to_bits()),
            WASM_F64 => Value::F64(self.float().to_bits()),
            LIBWASM_V128 => Value::V128(self.vector()),
            WASM_FUNCREF | LIBWASM_REF_FUNC => Value::Func(one_of(self, funcs)),
            WASM_EXTERNREF | LIBWASM_REF_EXTERN => Value::Extern(one_of(self, OBJECTS)),
            kind if kind >= WASM_EXTERNREF => Value::Null(kind),
            kind => panic!("a value of kind {kind}"),
        }
    }

    /// A vector of lanes that are the same or differ, of any width.
    fn vector(&mut self) -> u128 {
        let (low, high) = (self.integer() as u64, self.integer() as u64);
        match self.below(4) {
            0 => u128::from(low) << 64 | u128::from(low),
            1 => u128::from(self.float().to_bits()) << 64 | u128::from(self.float().to_bits()),
            2 => {
                let single = u128::from((self.float() as f32).to_bits());
                single << 96 | single << 64 | u128::from(low)
            }
            _ => u128::from(high) << 64 | u128::from(low),
        }
    }
}
