/// The instruction set x86-64: registers, operands, instructions, and processor features.
///
/// Names are those of Intel's manual. Code that uses many of them is best written in an extension
/// of `X86`, where they need no prefix.
public enum X86 {}
