public import ConvoyTensors

extension Picture {
  /// Draws one or several diagrams of connections on a page.
  public static func connections(
    _ diagrams: [ConnectionDiagram], title: String? = nil
  ) throws(ConvoyError) -> Picture {
    guard (1...40).contains(diagrams.count) else {
      throw ConvoyError(
        .attribute, "A page can hold 1 to 40 diagrams of connections, got \(diagrams.count).")
    }
    let drawings = diagrams.map(ConnectionDrawing.init)
    let boxes = drawings.map { Element.union(of: $0.elements) ?? Box(0, 0, 1, 1) }
    var elements: [Element] = []
    var (place, rowHeight) = (Point(0, 0), 0.0)
    for (drawing, box) in zip(drawings, boxes) {
      if place.x > 0, place.x + box.width > 1800 {
        place = Point(0, place.y + rowHeight + 44)
        rowHeight = 0
      }
      elements.append(.group(drawing.elements, at: place - Point(box.x, box.y)))
      place.x += box.width + 52
      rowHeight = max(rowHeight, box.height)
    }
    let title = title ?? diagrams[0].name
    if diagrams.count > 1 {
      elements.append(.text(title, Point(0, -58), size: 22, bold: true))
      elements.append(
        .text(
          "left: space, right: channels. The lines of both, multiplied, are the multiply-adds.",
          Point(0, -32), size: 13, .muted))
    }
    let names = diagrams.map { "\($0.name): \($0.summary)" }.joined(separator: "; ")
    return Picture(
      title: title,
      summary: "Lines show which outputs see which inputs, in space and among channels. \(names).",
      elements, margin: 28)
  }

  /// Every diagram on one page.
  public static func connectionSheet() throws(ConvoyError) -> Picture {
    try connections(
      ConnectionDiagram.primitives + ConnectionDiagram.blocks,
      title: "Convolutions as connections")
  }
}
