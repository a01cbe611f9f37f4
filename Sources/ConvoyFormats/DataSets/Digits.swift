import ConvoyTensors

/// The handwritten digits that ship with Convoy: 1,797 grey images of 8×8 pixels.
enum Digits {
  /// A fifth of every digit is held out: 359 images, which leaves 1,438 to train on. The file runs
  /// through the digits in order and the same hands return in it, so the choice is drawn and not
  /// counted off; its seed is fixed, so that results can be compared.
  static func splits() throws(ConvoyError) -> DataSplits {
    let recordSize = 65
    let bytes = records
    let labels = stride(from: recordSize - 1, to: bytes.count, by: recordSize).map { bytes[$0] }
    let (training, test) = HoldOut.fifth(of: labels.map(Int.init), classCount: 10, seed: 8)
    func part(_ indices: [Int]) -> StoredDataSet {
      StoredDataSet(
        name: "digits", classNames: (0...9).map(String.init), imageShape: [1, 8, 8],
        pixels: indices.flatMap { bytes[($0 * recordSize)...].prefix(recordSize - 1) },
        labels: indices.map { labels[$0] }, largest: 16)
    }
    return DataSplits(training: part(training), test: part(test))
  }

  /// The pixels and the label of one image after another.
  private static var records: [UInt8] {
    text.withUTF8Buffer { characters in
      characters.compactMap { character in
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "g"): character - UInt8(ascii: "a") + 10
        default: nil
        }
      }
    }
  }
}
