/// The instruction set x86-64: registers, operands, instructions, and what processors of it can do.
///
/// Names are those of Intel's manual. Code that uses many of them reads best inside an extension of `X86`, where
/// they need no prefix.
public enum X86 {}
