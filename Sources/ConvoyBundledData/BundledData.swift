/// The bytes of the data that ships inside Convoy's binary.
public enum BundledData {
  /// The suite of convolution layers that benchmarks run by default, as comma-separated values: layers of
  /// published networks, and groups of every width.
  public static var layers: [UInt8] { PackageResources.layers_csv }
}
