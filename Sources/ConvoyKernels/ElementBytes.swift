extension Float {
  /// Bytes of a number: what distances in elements are multiplied with where bytes are counted.
  @inline(__always)
  static var byteCount: Int { MemoryLayout<Float>.size }
}
