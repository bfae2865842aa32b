//! Reads machine code back, for the checker of compiled functions (`src/code/check`): how long an instruction is, where control
//! goes from it, and which memory it accesses. Only debug builds have it.
//!
//! It knows the encodings of 64-bit mode by their maps (one-byte, 0F, 0F38, 0F3A, VEX, EVEX) and shares nothing with the code
//! generator. What it does not know is `None`, which the checker reports.

/// One instruction.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Inst {
    pub len: u32,
    pub flow: Flow,
    /// The memory that its operand accesses. Addresses that are only computed or prefetched are none.
    pub memory: Option<Operand>,
    /// What it does to the stack pointer, the frame pointer, or a stack slot.
    pub effect: Effect,
}

/// Where control goes. Distances are bytes from the end of the instruction.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Flow {
    Next,
    Call,
    Jump(i32),
    Branch(i32),
    /// To where a register or memory says: behind it lies a table of distances.
    Indirect,
    Return,
    /// `ud2`.
    Undefined,
    /// A division, which faults by itself.
    Divide,
}

/// The address of an operand in memory.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Operand {
    pub base: Option<u8>,
    pub index: Option<u8>,
    /// The index is multiplied by `1 << scale`.
    pub scale: u8,
    pub displacement: i32,
}

/// What the checker follows of the state of the machine.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    None,
    /// Bytes that are added to the stack pointer.
    MoveStackPointer(i32),
    /// The frame pointer becomes the stack pointer.
    EnterFrame,
    /// The stack pointer becomes the frame pointer.
    LeaveFrame,
    /// The memory operand gets the 64 bits of a general register.
    StoreRegister,
    /// A register gets a constant.
    Constant {
        register: u8,
        value: i32,
    },
    /// Something is compared with a register.
    Compare {
        with: u8,
    },
    /// A register gets the address of a place near the instruction.
    NearAddress {
        register: u8,
    },
}

/// The numbers of the registers that the checker knows.
pub const STACK_POINTER: u8 = 4;
pub const FRAME_POINTER: u8 = 5;

/// The instruction at the start of `code`.
pub fn decode(code: &[u8]) -> Option<Inst> {
    Decoder { code, at: 0, wide: false, small: false, extend: [0; 3] }.inst()
}

struct Decoder<'a> {
    code: &'a [u8],
    at: usize,
    /// 64-bit operands (REX.W).
    wide: bool,
    /// 16-bit operands (prefix 66).
    small: bool,
    /// What a prefix adds to the numbers of the registers: REX.R, REX.X, REX.B, each 0 or 8.
    extend: [u8; 3],
}

/// The operands that a ModRM byte names.
struct ModRm {
    /// The register, or which instruction of a group it is, without the prefix's part.
    digit: u8,
    /// The other operand if it is a register, without the prefix's part.
    register: Option<u8>,
    memory: Option<Operand>,
}

impl Decoder<'_> {
    fn byte(&mut self) -> Option<u8> {
        let byte = *self.code.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    /// A signed immediate of 1, 2, 4 or 8 bytes, of which the low 32 bits matter.
    fn immediate(&mut self, size: usize) -> Option<i32> {
        let bytes = self.code.get(self.at..self.at + size)?;
        self.at += size;
        Some(match *bytes {
            [] => 0,
            [byte] => i32::from(byte as i8),
            [low, high] => i32::from(i16::from_le_bytes([low, high])),
            [a, b, c, d, ..] => i32::from_le_bytes([a, b, c, d]),
            _ => return None,
        })
    }

    fn inst(mut self) -> Option<Inst> {
        let mut byte = self.byte()?;
        while matches!(byte, 0x66 | 0xf2 | 0xf3 | 0xf0 | 0x2e | 0x36 | 0x3e | 0x26 | 0x64 | 0x65) {
            self.small |= byte == 0x66;
            byte = self.byte()?;
        }
        if byte & 0xf0 == 0x40 {
            self.wide = byte & 8 != 0;
            self.extend = [(byte & 4) << 1, (byte & 2) << 2, (byte & 1) << 3];
            byte = self.byte()?;
        }
        match byte {
            0xc5 | 0xc4 | 0x62 => self.vector(byte),
            0x0f => match self.byte()? {
                0x38 => self.general(0),
                0x3a => self.general(1),
                opcode => self.two_byte(opcode),
            },
            opcode => self.one_byte(opcode),
        }
    }

    /// VEX and EVEX: the same maps, with all operands of a fixed size.
    fn vector(mut self, prefix: u8) -> Option<Inst> {
        let first = self.byte()?;
        let bit = |bit: u8| if first & bit == 0 { 8 } else { 0 };
        self.extend[0] = bit(0x80);
        let map = if prefix == 0xc5 {
            1
        } else {
            self.extend = [bit(0x80), bit(0x40), bit(0x20)];
            self.at += if prefix == 0xc4 { 1 } else { 2 };
            first & if prefix == 0xc4 { 0x1f } else { 7 }
        };
        match map {
            1 => {
                let opcode = self.byte()?;
                self.vector_two_byte(opcode)
            }
            2 => self.general(0),
            3 => self.general(1),
            _ => None,
        }
    }

    fn vector_two_byte(mut self, opcode: u8) -> Option<Inst> {
        if opcode == 0x77 {
            return Some(self.done(Flow::Next, None));
        }
        let memory = self.mod_rm()?.memory;
        self.immediate(usize::from(matches!(opcode, 0x70..=0x73 | 0xc2 | 0xc4..=0xc6)))?;
        Some(self.done(Flow::Next, memory))
    }

    /// The maps 0F38 and 0F3A, in which every instruction has operands, and as many bytes of an immediate.
    fn general(mut self, immediate: usize) -> Option<Inst> {
        self.byte()?;
        let memory = self.mod_rm()?.memory;
        self.immediate(immediate)?;
        Some(self.done(Flow::Next, memory))
    }

    fn two_byte(mut self, opcode: u8) -> Option<Inst> {
        match opcode {
            0x0b => return Some(self.done(Flow::Undefined, None)),
            0x31 | 0x77 | 0xa2 | 0xc8..=0xcf => return Some(self.done(Flow::Next, None)),
            0x80..=0x8f => {
                let distance = self.immediate(4)?;
                return Some(self.done(Flow::Branch(distance), None));
            }
            0x10..=0x1f | 0x28..=0x2f | 0x40..=0x76 | 0x7c..=0x7f | 0x90..=0x9f | 0xa3..=0xa5 | 0xab..=0xaf => {}
            0xb0..=0xb8 | 0xba..=0xc7 | 0xd0..=0xfe => {}
            _ => return None,
        }
        let memory = self.mod_rm()?.memory;
        self.immediate(usize::from(matches!(opcode, 0x70..=0x73 | 0xa4 | 0xac | 0xba | 0xc2 | 0xc4..=0xc6)))?;
        // Prefetches and long forms of `nop` access nothing.
        let memory = memory.filter(|_| !matches!(opcode, 0x18..=0x1f));
        Some(self.done(Flow::Next, memory))
    }

    fn one_byte(mut self, opcode: u8) -> Option<Inst> {
        let full = if self.small { 2 } else { 4 };
        match opcode {
            0x50..=0x57 => return Some(self.stack(-8)),
            0x58..=0x5f => return Some(self.stack(8)),
            0x68 | 0x6a => {
                self.immediate(if opcode == 0x6a { 1 } else { 4 })?;
                return Some(self.stack(-8));
            }
            0x70..=0x7f | 0xe8 | 0xe9 | 0xeb | 0xc2 | 0xc3 => return self.transfer(opcode),
            0x90 | 0x98 | 0x99 | 0xcc => return Some(self.done(Flow::Next, None)),
            0xa8 | 0xb0..=0xb7 => self.immediate(1)?,
            0xa9 => self.immediate(full)?,
            0xb8..=0xbf => {
                let value = self.immediate(if self.wide { 8 } else { full })?;
                let effect = Effect::Constant { register: opcode & 7 | self.extend[2], value };
                return Some(Inst { effect, ..self.done(Flow::Next, None) });
            }
            _ if opcode < 0x40 && opcode & 7 == 4 => self.immediate(1)?,
            _ if opcode < 0x40 && opcode & 7 == 5 => self.immediate(full)?,
            _ => return self.with_operands(opcode, full),
        };
        Some(self.done(Flow::Next, None))
    }

    fn transfer(mut self, opcode: u8) -> Option<Inst> {
        let size = match opcode {
            0x70..=0x7f | 0xeb => 1,
            0xc2 => 2,
            0xc3 => 0,
            _ => 4,
        };
        let distance = self.immediate(size)?;
        let flow = match opcode {
            0x70..=0x7f => Flow::Branch(distance),
            0xe8 => Flow::Call,
            0xc2 | 0xc3 => Flow::Return,
            _ => Flow::Jump(distance),
        };
        Some(self.done(flow, None))
    }

    fn with_operands(mut self, opcode: u8, full: usize) -> Option<Inst> {
        let arithmetic = opcode < 0x40 && opcode & 7 < 4;
        let known = matches!(opcode,
            0x63 | 0x69 | 0x6b | 0x80 | 0x81 | 0x83..=0x8b | 0x8d | 0xc0 | 0xc1 | 0xc6 | 0xc7 | 0xd0..=0xd3 | 0xf6 | 0xf7
                | 0xfe | 0xff);
        if !arithmetic && !known {
            return None;
        }
        let ModRm { digit, register, memory } = self.mod_rm()?;
        let value = self.immediate(match opcode {
            0x6b | 0x80 | 0x83 | 0xc0 | 0xc1 | 0xc6 => 1,
            0x69 | 0x81 | 0xc7 => full,
            0xf6 if digit < 2 => 1,
            0xf7 if digit < 2 => full,
            _ => 0,
        })?;
        let flow = match (opcode, digit) {
            (0xff, 2) => Flow::Call,
            (0xff, 4) => Flow::Indirect,
            (0xf6 | 0xf7, 6 | 7) => Flow::Divide,
            _ => Flow::Next,
        };
        let (rex_r, rex_b) = (self.extend[0], self.extend[2]);
        let effect = match (opcode, register) {
            (0x81 | 0x83, Some(STACK_POINTER)) if rex_b == 0 && digit == 0 => Effect::MoveStackPointer(value),
            (0x81 | 0x83, Some(STACK_POINTER)) if rex_b == 0 && digit == 5 => Effect::MoveStackPointer(-value),
            (0x89, Some(FRAME_POINTER)) if rex_b + rex_r == 0 && digit == STACK_POINTER => Effect::EnterFrame,
            (0x89, Some(STACK_POINTER)) if rex_b + rex_r == 0 && digit == FRAME_POINTER => Effect::LeaveFrame,
            (0x89, None) if self.wide => Effect::StoreRegister,
            (0x31 | 0x33, Some(same)) if digit | rex_r == same | rex_b => {
                Effect::Constant { register: same | rex_b, value: 0 }
            }
            (0x39, Some(_)) => Effect::Compare { with: digit | rex_r },
            (0x3b, Some(with)) => Effect::Compare { with: with | rex_b },
            (0x8d, None) if memory.is_some_and(|memory| (memory.base, memory.index) == (None, None)) => {
                Effect::NearAddress { register: digit | rex_r }
            }
            _ => Effect::None,
        };
        // The address alone.
        let memory = memory.filter(|_| opcode != 0x8d);
        Some(Inst { effect, ..self.done(flow, memory) })
    }

    fn mod_rm(&mut self) -> Option<ModRm> {
        let byte = self.byte()?;
        let (mode, digit, low) = (byte >> 6, byte >> 3 & 7, byte & 7);
        if mode == 3 {
            return Some(ModRm { digit, register: Some(low), memory: None });
        }
        let mut operand = Operand { base: Some(low | self.extend[2]), ..Operand::default() };
        if low == 4 {
            let sib = self.byte()?;
            let index = sib >> 3 & 7 | self.extend[1];
            operand.scale = sib >> 6;
            operand.index = (index != 4).then_some(index);
            operand.base = (sib & 7 != 5 || mode != 0).then_some(sib & 7 | self.extend[2]);
        } else if low == 5 && mode == 0 {
            // Relative to the instruction pointer.
            operand.base = None;
        }
        operand.displacement = self.immediate(match mode {
            0 if operand.base.is_none() => 4,
            0 => 0,
            1 => 1,
            _ => 4,
        })?;
        Some(ModRm { digit, register: None, memory: Some(operand) })
    }

    fn stack(self, bytes: i32) -> Inst {
        Inst { effect: Effect::MoveStackPointer(bytes), ..self.done(Flow::Next, None) }
    }

    fn done(&self, flow: Flow, memory: Option<Operand>) -> Inst {
        Inst { len: self.at as u32, flow, memory, effect: Effect::None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operand(base: u8, index: Option<u8>, scale: u8, displacement: i32) -> Option<Operand> {
        Some(Operand { base: Some(base), index, scale, displacement })
    }

    #[test]
    fn what_an_instruction_does() {
        type Case<'a> = (&'a [u8], u32, Flow, Option<Operand>, Effect);
        let cases: &[Case<'_>] = &[
            (&[0x55], 1, Flow::Next, None, Effect::MoveStackPointer(-8)),
            (&[0x48, 0x89, 0xe5], 3, Flow::Next, None, Effect::EnterFrame),
            (&[0x48, 0x89, 0xec], 3, Flow::Next, None, Effect::LeaveFrame),
            (&[0x48, 0x83, 0xec, 0x40], 4, Flow::Next, None, Effect::MoveStackPointer(-0x40)),
            (&[0x48, 0x81, 0xc4, 0, 1, 0, 0], 7, Flow::Next, None, Effect::MoveStackPointer(0x100)),
            (&[0x48, 0x89, 0x3c, 0x24], 4, Flow::Next, operand(4, None, 0, 0), Effect::StoreRegister),
            (&[0x4c, 0x89, 0x6d, 0xf8], 4, Flow::Next, operand(5, None, 0, -8), Effect::StoreRegister),
            // movl $5, (%rcx,%rax,1)
            (&[0xc7, 0x04, 0x01, 5, 0, 0, 0], 7, Flow::Next, operand(1, Some(0), 0, 0), Effect::None),
            // vmovsd 0x186a0(%rcx,%rax,1), %xmm0
            (
                &[0xc5, 0xfb, 0x10, 0x84, 1, 0xa0, 0x86, 1, 0],
                9,
                Flow::Next,
                operand(1, Some(0), 0, 0x186a0),
                Effect::None,
            ),
            // vpshufd $1, (%r8), %xmm9
            (&[0xc4, 0x41, 0x79, 0x70, 0x08, 1], 6, Flow::Next, operand(8, None, 0, 0), Effect::None),
            // pextrb $3, %xmm0, (%rdi)
            (&[0x66, 0x0f, 0x3a, 0x14, 0x07, 3], 6, Flow::Next, operand(7, None, 0, 0), Effect::None),
            // lea 9(%rip), %rcx
            (&[0x48, 0x8d, 0x0d, 9, 0, 0, 0], 7, Flow::Next, None, Effect::NearAddress { register: 1 }),
            // xor %r9d, %r9d and xor %ecx, %eax
            (&[0x45, 0x31, 0xc9], 3, Flow::Next, None, Effect::Constant { register: 9, value: 0 }),
            (&[0x31, 0xc8], 2, Flow::Next, None, Effect::None),
            (&[0xff, 0xd3], 2, Flow::Call, None, Effect::None),
            (&[0xff, 0x56, 0x08], 3, Flow::Call, operand(6, None, 0, 8), Effect::None),
            (&[0xff, 0xe1], 2, Flow::Indirect, None, Effect::None),
            (&[0x0f, 0x87, 4, 0, 0, 0], 6, Flow::Branch(4), None, Effect::None),
            (&[0xeb, 0xfe], 2, Flow::Jump(-2), None, Effect::None),
            (&[0xc2, 0x10, 0], 3, Flow::Return, None, Effect::None),
            (&[0x0f, 0x0b], 2, Flow::Undefined, None, Effect::None),
            (&[0x41, 0xf7, 0xf9], 3, Flow::Divide, None, Effect::None),
            (
                &[0x49, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8],
                10,
                Flow::Next,
                None,
                Effect::Constant { register: 8, value: 0x4030201 },
            ),
            // cmp %r8d, %r9d
            (&[0x45, 0x39, 0xc1], 3, Flow::Next, None, Effect::Compare { with: 8 }),
            (&[0x66, 0x81, 0x0e, 1, 2], 5, Flow::Next, operand(6, None, 0, 0), Effect::None),
            (
                &[0xf7, 0x04, 0x85, 1, 0, 0, 0, 9, 0, 0, 0],
                11,
                Flow::Next,
                Some(Operand { base: None, index: Some(0), scale: 2, displacement: 1 }),
                Effect::None,
            ),
        ];
        for &(code, len, flow, memory, effect) in cases {
            assert_eq!(decode(code), Some(Inst { len, flow, memory, effect }), "{code:x?}");
            for end in 0..code.len() {
                assert_eq!(decode(&code[..end]).filter(|inst| inst.len as usize > end), None);
            }
        }
        assert_eq!((decode(&[0x06]), decode(&[])), (None, None));
    }
}
