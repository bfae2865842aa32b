//! Frames of WebAssembly functions, as a walk of the stack finds them, and those that the last trap crossed.

use crate::abi::context::VMContext;
use crate::types::DefinedFuncIndex;

/// A frame of a WebAssembly function.
#[derive(Copy, Clone, Debug)]
pub struct Frame {
    /// Where it is: the faulting instruction if `exact`, else the address its callee returns to.
    pub pc: usize,
    pub exact: bool,
    pub fp: usize,
    /// The instance it runs in.
    pub vmctx: *mut VMContext,
    pub func: DefinedFuncIndex,
    /// Where it is in the module's binary; `u32::MAX` if code there comes from nowhere in particular.
    pub module_offset: u32,
}

/// The frames that the last trap crossed, innermost first. Reused from trap to trap, so that a trap allocates nothing as a rule.
#[derive(Debug, Default)]
pub struct TrapFrames {
    frames: Vec<Frame>,
    /// Whether there were more than [`TrapFrames::LIMIT`].
    truncated: bool,
}

impl TrapFrames {
    /// Frames beyond this many are not kept: a stack overflow has hundreds of thousands of them.
    pub const LIMIT: usize = 256;

    pub fn frames(&self) -> &[Frame] {
        &self.frames
    }

    pub fn is_truncated(&self) -> bool {
        self.truncated
    }

    pub fn clear(&mut self) {
        self.frames.clear();
        self.truncated = false;
    }

    /// Keeps one more; false if there is no room. Without memory for it the trace is shorter, and the trap the same.
    pub fn push(&mut self, frame: Frame) -> bool {
        if self.frames.len() == TrapFrames::LIMIT || self.frames.try_reserve(1).is_err() {
            self.truncated = true;
            return false;
        }
        self.frames.push(frame);
        true
    }
}
