extension Float {
  /// The bytes of a number: the factor from distances in elements to distances in bytes.
  @inline(__always)
  static var byteCount: Int { MemoryLayout<Float>.size }
}
