/// The fields of a weight gradient's micro-kernel.
///
/// The micro-kernel iterates over slices of rows of columns with running pointers. Its steps are
/// therefore from the end of a row's last column, or of a band of rows, to the beginning of the
/// next row, and from the end of a slice's last row to the next slice.
public enum GradientField: Int, ArgumentField {
  /// The addresses of the first pixel of the image and of the output's gradient.
  case image = 0, gradient = 8
  /// The address of the sums that are added to.
  case sums = 16
  /// Bytes from a plane's sums to the next plane's.
  case sumsPitch = 24
  /// The number of columns, or of tiles of columns; at least one.
  case columns = 32
  /// The number of rows, or of bands of rows; at least one.
  case rows = 40
  /// The number of slices; at least one at the beginning, and zero at the end.
  case slices = 48
  case imageRowStep = 56, gradientRowStep = 64
  case imageSliceStep = 72, gradientSliceStep = 80
  /// Bytes from a pixel of the gradient to the one in the next row.
  case gradientPitch = 88
  /// Permutation indices.
  case laneNumbers = 96
  /// Bytes from the image's pixel to each line that is read, and from the gradient's plane to
  /// others.
  case offsets = 128

  /// The size of a block, which has room for 12 words of `offsets`.
  public static let byteCount = GradientField.offsets.rawValue + 8 * 12
}

/// The arguments of a weight gradient's micro-kernel.
public typealias GradientArguments = TileArguments<GradientField>

extension TileWriter {
  /// Iterates over slices of rows: runs the body for each row, with the pointers at its first
  /// column. The body advances them to the end of its last column.
  ///
  /// - Parameters:
  ///   - rows: the counter register, which the body preserves.
  ///   - scratch: a register that is overwritten between rows.
  package func walkRows(
    image: Integer, gradient: Integer, rows: Integer, scratch: Integer, _ body: () -> Void
  ) {
    load(image, argument(GradientField.image))
    load(gradient, argument(GradientField.gradient))
    loop(argument(GradientField.slices), scratch: scratch) {
      load(rows, argument(GradientField.rows))
      loop(rows) {
        body()
        advance(image, by: argument(GradientField.imageRowStep))
        advance(gradient, by: argument(GradientField.gradientRowStep))
      }
      advance(image, by: argument(GradientField.imageSliceStep))
      advance(gradient, by: argument(GradientField.gradientSliceStep))
    }
  }
}
