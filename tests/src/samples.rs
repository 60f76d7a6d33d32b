//! Small files of the types that are taken, built byte by byte so that tests can spoil any of them.

/// A chunk of a PNG with its checksum.
pub fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(data.len()).unwrap().to_be_bytes().to_vec();
    let named = [kind.as_slice(), data].concat();
    bytes.extend_from_slice(&named);
    bytes.extend_from_slice(&crc32fast::hash(&named).to_be_bytes());
    bytes
}

/// What every PNG begins with.
pub const PNG_SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// The header of a grey PNG of this size.
pub fn png_header(width: u32, height: u32) -> Vec<u8> {
    chunk(b"IHDR", &[&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 0, 0, 0, 0]].concat())
}

/// A grey point, as a PNG holds it: zlib's header, one stored block, its checksum.
pub fn png_point() -> Vec<u8> {
    chunk(b"IDAT", &[0x78, 0x01, 0x01, 2, 0, 0xfd, 0xff, 0, 0, 0, 2, 0, 1])
}

/// A PNG of one point with these chunks before the picture.
pub fn png_with(chunks: &[Vec<u8>]) -> Vec<u8> {
    [PNG_SIGNATURE.to_vec(), png_header(1, 1), chunks.concat(), png_point(), chunk(b"IEND", b"")].concat()
}

/// A PNG of one point.
pub fn png() -> Vec<u8> {
    png_with(&[])
}

/// A segment of a JPEG.
pub fn segment(code: u8, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len() + 2).unwrap().to_be_bytes();
    [&[0xff, code][..], &length, data].concat()
}

/// The frame of a grey JPEG of this size.
pub fn jpeg_frame(width: u16, height: u16) -> Vec<u8> {
    segment(0xc0, &[&[8][..], &height.to_be_bytes(), &width.to_be_bytes(), &[1, 1, 0x11, 0]].concat())
}

/// What follows the frame of a JPEG: tables, a scan, its end.
pub fn jpeg_scan() -> Vec<u8> {
    let table = |class: u8| segment(0xc4, &[&[class, 1][..], &[0; 15], &[0]].concat());
    [table(0x00), table(0x10), segment(0xda, &[1, 1, 0, 0, 63, 0]), b"\x3f\xff\x00\x3f\xff\xd9".to_vec()].concat()
}

/// A JPEG of eight by eight points with these segments at its beginning.
pub fn jpeg_with(segments: &[Vec<u8>]) -> Vec<u8> {
    let quantities = segment(0xdb, &[&[0][..], &[1; 64]].concat());
    [b"\xff\xd8".to_vec(), segments.concat(), quantities, jpeg_frame(8, 8), jpeg_scan()].concat()
}

/// What a JPEG begins with beside its mark (JFIF).
pub fn jfif() -> Vec<u8> {
    segment(0xe0, b"JFIF\0\x01\x02\x00\x00\x01\x00\x01\x00\x00")
}

/// A JPEG of eight by eight points.
pub fn jpeg() -> Vec<u8> {
    jpeg_with(&[jfif()])
}

/// What a telephone adds (Exif): that the photograph is to be turned, and where it was taken.
pub fn exif(secret: &[u8]) -> Vec<u8> {
    let directory = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    segment(0xe1, &[directory.as_slice(), secret].concat())
}

/// A small document with this in it.
pub fn pdf_with(text: &str) -> Vec<u8> {
    format!("%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Note ({text}) >>\nendobj\ntrailer\n<< /Root 1 0 R >>\nstartxref\n9\n%%EOF\n")
        .into_bytes()
}

/// A small document.
pub fn pdf() -> Vec<u8> {
    pdf_with("Bonjour")
}

/// A document of this length.
pub fn long_pdf(length: usize) -> Vec<u8> {
    let (begin, end) = (&b"%PDF-1.7\n%"[..], &b"\n%%EOF\n"[..]);
    let middle = length - begin.len() - end.len();
    // Nothing that a compression of the way could make short.
    let noise = (0..middle).scan(0x2545_f491_u32, |state, _| {
        *state ^= *state << 13;
        *state ^= *state >> 17;
        *state ^= *state << 5;
        Some(b'0' + u8::try_from(*state % 64).unwrap())
    });
    begin.iter().copied().chain(noise).chain(end.iter().copied()).collect()
}
