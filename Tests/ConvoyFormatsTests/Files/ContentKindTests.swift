import ConvoyTensors
import Testing

@testable import ConvoyFormats

@Suite struct ContentKindTests {
  @Test(
    arguments: [
      ("", .empty), ("\u{8}\u{8}\u{12}\u{4}torch", .onnx), ("\u{8}\u{7}:\u{0}", .onnx),
      ("PK\u{3}\u{4}archive", .zip), ("GIF89a", .gif), ("II*\u{0}", .tiff),
      ("{\"weight_map\": {}}", .json), (" [1]", .json), ("<svg/>", .markup),
      ("#!/bin/sh", .program),
      ("P6 1 1 255 abc", .anymap), ("Plain words", .text), ("über\n", .text),
      ("version https://git-lfs.github.com/spec/v1\n", .lfsPointer),
      ("\u{2}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}{}", .safetensors),
      ("\u{0}\u{0}\u{8}\u{3}\u{0}\u{0}\u{0}\u{1}", .idx), ("\u{1}\u{2}", nil),
    ] as [(String, ContentKind?)])
  func isToldFromTheBeginning(text: String, kind: ContentKind?) {
    #expect(ContentKind(of: Array(text.utf8)) == kind)
  }

  @Test func whatConvoyWritesIsRecognised() throws {
    #expect(ContentKind(of: try Safetensors([("a", Tensor([2]))]).encoded()) == .safetensors)
    #expect(ContentKind(of: try NumPyArray(Tensor([2])).encoded()) == .numPy)
    #expect(ContentKind(of: Anymap.encode(ImageFilesTests.random(2, 2, 1))) == .anymap)
    #expect(ContentKind(of: JPEGFile.grey(level: 200)) == .jpeg)
    #expect(ContentKind(of: PNGFile.header(1, 1)) == .png)
    #expect(ContentKind(of: [0x1F, 0x8B, 8]) == .gzip)
    #expect(ContentKind(of: [0x80, 4, 0x95]) == .pickle)
  }

  @Test func aTextMayBeCutWithinACharacter() {
    let text = Array(String(repeating: "ü", count: 700).utf8)
    #expect(ContentKind(of: [0x20] + text) == .text)
  }
}
