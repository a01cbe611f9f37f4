public import ConvoyTensors

extension DataSplits {
  /// A number that two data sets share only if their images, labels and classes are the same, but for a
  /// chance of 2⁻⁶⁴: for ranks to compare.
  ///
  /// - Throws: what reading an image throws.
  /// - Complexity: O(all pixels); every image is read.
  public func fingerprint() throws(ConvoyError) -> UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    func mix(_ word: UInt64) {
      hash = (hash ^ word) &* 0x9E37_79B9_7F4A_7C15
      hash ^= hash >> 29
    }
    for data in [training, test] {
      for name in data.classNames {
        for byte in name.utf8 { mix(UInt64(byte)) }
      }
      for extent in data.imageShape.dimensions + [data.count] { mix(UInt64(extent)) }
      let image = UnsafeMutableBufferPointer<Float>.allocate(
        capacity: data.imageShape.elementCount)
      defer { image.deallocate() }
      image.initialize(repeating: 0)
      for index in 0..<data.count {
        mix(UInt64(data.label(at: index)))
        try data.copyImage(at: index, into: image)
        for value in image { mix(UInt64(value.bitPattern)) }
      }
    }
    return hash
  }
}
