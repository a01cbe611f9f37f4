/// The bytes of the data that ships inside Convoy's binary.
public enum BundledData {
  /// 1,797 handwritten digits, 65 bytes each: 64 pixels row by row, 0 (empty) … 16 (full), then the
  /// label, 0 … 9.
  ///
  /// Source: E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine
  /// Learning Repository, 1998, CC BY 4.0; the test part, as distributed with scikit-learn.
  public static var digits: [UInt8] { PackageResources.digits_bin }

  /// The suite of convolution layers that benchmarks run by default, as comma-separated values: layers of
  /// published networks, and groups of every width.
  public static var layers: [UInt8] { PackageResources.layers_csv }
}
