import Convoy

/// Reads any bytes as an ONNX model: an error is fine, a crash is not.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzONNX(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))
  _ = try? ONNXModel.read(bytes)
  return 0
}
