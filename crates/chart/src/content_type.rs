//! What kind of file something is that is no chart, as Go's `http.DetectContentType` says it.

/// HTML's first tags, behind spaces.
const HTML: [&[u8]; 17] = [
    b"<!DOCTYPE HTML",
    b"<HTML",
    b"<HEAD",
    b"<SCRIPT",
    b"<IFRAME",
    b"<H1",
    b"<DIV",
    b"<FONT",
    b"<TABLE",
    b"<A",
    b"<STYLE",
    b"<TITLE",
    b"<B",
    b"<BODY",
    b"<BR",
    b"<P",
    b"<!--",
];

/// First bytes, and the kind of file that has them.
const HEADS: [(&[u8], &str); 22] = [
    (b"%PDF-", "application/pdf"),
    (b"%!PS-Adobe-", "application/postscript"),
    (b"\xfe\xff", "text/plain; charset=utf-16be"),
    (b"\xff\xfe", "text/plain; charset=utf-16le"),
    (b"\xef\xbb\xbf", "text/plain; charset=utf-8"),
    (b"\x00\x00\x01\x00", "image/x-icon"),
    (b"\x00\x00\x02\x00", "image/x-icon"),
    (b"BM", "image/bmp"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"ID3", "audio/mpeg"),
    (b"OggS\x00", "application/ogg"),
    (b"MThd\x00\x00\x00\x06", "audio/midi"),
    (b"\x1aE\xdf\xa3", "video/webm"),
    (b"OTTO", "font/otf"),
    (b"wOFF", "font/woff"),
    (b"wOF2", "font/woff2"),
    (b"PK\x03\x04", "application/zip"),
    (b"Rar!\x1a\x07", "application/x-rar-compressed"),
    (b"\x00asm", "application/wasm"),
];

/// The kind of a file. Helm looks at 512 bytes, zeros behind the end of a short file among them.
pub(crate) fn of(data: &[u8]) -> &'static str {
    let mut head = [0_u8; 512];
    let length = data.len().min(head.len());
    head[..length].copy_from_slice(&data[..length]);
    let start = head.iter().position(|b| !matches!(b, b'\t' | b'\n' | 0x0c | b'\r' | b' ')).unwrap_or(head.len());
    let text = &head[start..];
    let is_tag = |tag: &&[u8]| {
        text.get(..tag.len()).is_some_and(|found| found.eq_ignore_ascii_case(tag))
            && text.get(tag.len()).is_some_and(|next| matches!(next, b' ' | b'>'))
    };
    if HTML.iter().any(is_tag) {
        return "text/html; charset=utf-8";
    }
    if text.starts_with(b"<?xml") {
        return "text/xml; charset=utf-8";
    }
    if let Some((_, kind)) = HEADS.iter().find(|(first, _)| head.starts_with(first)) {
        return kind;
    }
    let riff = |kind: &[u8]| head.starts_with(b"RIFF") && head[8..].starts_with(kind);
    if riff(b"WEBPVP") {
        return "image/webp";
    }
    if riff(b"WAVE") {
        return "audio/wave";
    }
    let binary = text.iter().any(|b| matches!(b, 0..=8 | 0x0b | 0x0e..=0x1a | 0x1c..=0x1f));
    if binary { "application/octet-stream" } else { "text/plain; charset=utf-8" }
}
