//! What pages are drawn with: two stylesheets and an icon. Each is named by its content, so browsers keep it for good, and is
//! compressed before anybody asks.

use std::io::{self, Write as _};
use std::sync::Arc;

use axum::extract::{Path, State};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, HeaderValue, VARY};
use http::{HeaderMap, StatusCode};
use portvakt_crypto::digest::Sha256;
use portvakt_crypto::encoding::hex_encode;

use crate::reply::{Reply, reply, text};
use crate::site::Site;

/// A file that pages refer to.
#[derive(Debug)]
struct Asset {
    name: String,
    content_type: &'static str,
    plain: Bytes,
    gzip: Bytes,
}

impl Asset {
    fn new(stem: &str, content_type: &'static str, plain: Bytes, gzip: Bytes) -> Self {
        let (kind, _) = content_type.split_once(['+', ';']).unwrap_or((content_type, ""));
        let extension = kind.rsplit('/').next().unwrap_or_default();
        let digest = hex_encode(&Sha256::of(&plain).as_bytes()[..8]);
        Self { name: format!("{stem}-{digest}.{extension}"), content_type, plain, gzip }
    }

    /// Whether `name` is this file's in another version of it, or of ours: the same but for the digest.
    fn is_in_another_version(&self, name: &str) -> bool {
        let Some((stem, end)) = self.name.rsplit_once('-') else { return false };
        let asked = name.strip_prefix(stem).and_then(|rest| rest.strip_prefix('-'));
        let parts = asked.and_then(|asked| asked.split_once('.')).zip(end.split_once('.'));
        parts.is_some_and(|((asked, kind), (digest, own_kind))| {
            let is_digest = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
            kind == own_kind && asked.len() == digest.len() && asked.bytes().all(is_digest)
        })
    }

    /// One that is not compressed yet.
    fn compressed(stem: &str, content_type: &'static str, plain: Bytes) -> io::Result<Self> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(&plain)?;
        let gzip = Bytes::from(gzip.finish()?);
        Ok(Self::new(stem, content_type, plain, gzip))
    }
}

const CSS: &str = "text/css; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// The assets of an issuer's pages.
#[derive(Clone, Debug)]
pub struct Assets {
    pages: Arc<Asset>,
    theme: Arc<Asset>,
    icon: Arc<Asset>,
}

impl Assets {
    /// The built-in ones, with an operator's theme in place of Designsystemet's own if one is given.
    ///
    /// # Errors
    /// An asset could not be compressed.
    pub fn new(theme: Option<String>) -> io::Result<Self> {
        let built_in = |stem, plain: &'static [u8], gzip: &'static [u8]| {
            Asset::new(stem, CSS, Bytes::from_static(plain), Bytes::from_static(gzip))
        };
        let pages = built_in(
            "pages",
            include_bytes!(concat!(env!("OUT_DIR"), "/pages.css")),
            include_bytes!(concat!(env!("OUT_DIR"), "/pages.css.gz")),
        );
        let theme = match theme {
            Some(theme) => Asset::compressed("theme", CSS, Bytes::from(theme))?,
            None => built_in(
                "theme",
                include_bytes!(concat!(env!("OUT_DIR"), "/theme.css")),
                include_bytes!(concat!(env!("OUT_DIR"), "/theme.css.gz")),
            ),
        };
        let icon = Bytes::from_static(include_bytes!("../styles/icon.svg"));
        let icon = Asset::compressed("icon", SVG, icon)?;
        Ok(Self { pages: Arc::new(pages), theme: Arc::new(theme), icon: Arc::new(icon) })
    }

    /// The name of the stylesheet of every page.
    pub(crate) fn pages(&self) -> &str {
        &self.pages.name
    }

    /// The name of the stylesheet with the colours.
    pub(crate) fn theme(&self) -> &str {
        &self.theme.name
    }

    /// The name of the icon.
    pub(crate) fn icon(&self) -> &str {
        &self.icon.name
    }
}

/// `GET` of an asset by its name. While several versions serve behind one address, a page of one may ask the other for its own: it
/// is drawn with what there is, which nobody keeps under that name.
pub(crate) async fn asset(
    State(site): State<Arc<Site>>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Reply {
    let Assets { pages, theme, icon } = &site.face.assets;
    let all = [pages, theme, icon];
    let exact = all.into_iter().find(|asset| asset.name == name);
    let Some(asset) = exact.or_else(|| all.into_iter().find(|asset| asset.is_in_another_version(&name)))
    else {
        return text(StatusCode::NOT_FOUND, "Nothing is served here.\n");
    };
    let gzip = headers.get_all(ACCEPT_ENCODING).iter().any(takes_gzip);
    let mut reply = reply(
        StatusCode::OK,
        asset.content_type,
        if gzip { asset.gzip.clone() } else { asset.plain.clone() },
    );
    let headers = reply.headers_mut();
    let kept = if exact.is_some() { "public, max-age=31536000, immutable" } else { "no-store" };
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(kept));
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    if gzip {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    reply
}

/// Whether an `Accept-Encoding` names gzip with another weight than zero (RFC 9110 §12.5.3).
fn takes_gzip(value: &HeaderValue) -> bool {
    let codings = value.to_str().unwrap_or_default().split(',');
    let mut gzip = codings.filter_map(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        name.trim().eq_ignore_ascii_case("gzip").then(|| weight.trim())
    });
    gzip.any(|weight| {
        weight.strip_prefix("q=").and_then(|q| q.parse::<f32>().ok()).is_none_or(|weight| weight > 0.0)
    })
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn gzip_goes_to_those_who_take_it() {
        for refused in ["", "br", "identity", "gzip;q=0", "gzip; q=0.0", "x-gzip"] {
            assert!(!takes_gzip(&HeaderValue::from_static(refused)), "{refused}");
        }
        for taken in ["gzip", "gzip, deflate, br, zstd", "br, GZIP", "gzip;q=0.5", "br;q=1, gzip ; q=0.1"] {
            assert!(takes_gzip(&HeaderValue::from_static(taken)), "{taken}");
        }
    }

    #[test]
    fn a_theme_takes_the_place_of_ours_under_another_name_and_both_forms_are_the_same_text() {
        let own = Assets::new(None).unwrap();
        let given = Assets::new(Some(":root{--ds-color-accent-base-default:#123456}".to_owned())).unwrap();
        assert_eq!(own.pages(), given.pages());
        assert_ne!(own.theme(), given.theme());
        for asset in [&own.pages, &own.theme, &own.icon, &given.theme] {
            let mut unpacked = Vec::new();
            flate2::read::GzDecoder::new(&asset.gzip[..]).read_to_end(&mut unpacked).unwrap();
            assert_eq!(unpacked, asset.plain, "{}", asset.name);
        }
        assert!(own.icon().ends_with(".svg") && own.theme().ends_with(".css"));
    }

    #[test]
    fn the_stylesheet_names_nothing_outside_itself() {
        let assets = Assets::new(None).unwrap();
        for asset in [&assets.pages, &assets.theme] {
            let css = String::from_utf8(asset.plain.to_vec()).unwrap();
            assert!(!css.contains("@import"), "{}", asset.name);
            for url in css.split("url(").skip(1) {
                assert!(url.starts_with("\"data:image/svg+xml"), "{}: {}", asset.name, &url[..40]);
            }
        }
    }
}
