//! A person in front of a browser, who opens links, reads the page, types and presses buttons.

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use end_to_end::until;
use fantoccini::elements::Element;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use local_cloud::browser::Browser;
use local_cloud::http::Http;
use serde_json::{Value, json};

/// Where `cargo xtask pictures` wants the pictures. Nobody else makes any.
pub(crate) fn pictures() -> Option<PathBuf> {
    std::env::var_os("PICTURES_FOLDER").map(PathBuf::from)
}

/// The browser window.
#[derive(Clone, Copy)]
pub(crate) struct Screen {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) dark: bool,
}

pub(crate) const DESKTOP: Screen = Screen { width: 1100, height: 860, dark: false };
pub(crate) const PHONE: Screen = Screen { width: 360, height: 760, dark: false };
pub(crate) const SMALLEST: Screen = Screen { width: 320, height: 640, dark: false };

impl Screen {
    pub(crate) const fn dark(self) -> Self {
        Self { dark: true, ..self }
    }
}

/// A browser with one tab.
pub(crate) struct Reader {
    tab: Client,
    browser: Browser,
}

impl Reader {
    pub(crate) async fn sits_down(screen: Screen) -> Result<Self> {
        let browser = Browser::start().await?;
        let tab = ClientBuilder::new(HttpConnector::new())
            .capabilities(browser.capabilities())
            .connect(browser.address())
            .await
            .context("the browser takes no session")?;
        let reader = Self { tab, browser };
        reader.turns_to(screen).await?;
        Ok(reader)
    }

    /// Gives the window another size and other colours, for the page that it shows and for later ones.
    pub(crate) async fn turns_to(&self, Screen { width, height, dark }: Screen) -> Result<()> {
        // A window cannot be made as narrow as a phone.
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": true });
        self.devtools("Emulation.setDeviceMetricsOverride", &metrics).await?;
        // Without motion, a picture does not depend on when it is taken.
        let features = json!([
            { "name": "prefers-color-scheme", "value": if dark { "dark" } else { "light" } },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ]);
        self.devtools("Emulation.setEmulatedMedia", &json!({ "features": features })).await.map(drop)
    }

    /// Sends a command of the Chrome DevTools Protocol, for what WebDriver has no command for.
    async fn devtools(&self, command: &str, parameters: &Value) -> Result<Value> {
        let session = self.tab.session_id().await?.context("the browser has no session")?;
        let address = format!("{}/session/{session}/goog/cdp/execute", self.browser.address());
        let body = json!({ "cmd": command, "params": parameters });
        let mut answer = Http::default().send_json("POST", &address, &body).await?.json()?;
        ensure!(answer["value"]["error"].is_null(), "{command} fails: {answer}");
        Ok(answer["value"].take())
    }

    pub(crate) async fn leaves(self) -> Result<()> {
        Ok(self.tab.close().await?)
    }

    pub(crate) async fn opens(&self, address: &str) -> Result<()> {
        Ok(self.tab.goto(address).await?)
    }

    /// Opens an address whose page shows a view.
    pub(crate) async fn comes_to(&self, address: &str, view: &str) -> Result<()> {
        self.opens(address).await?;
        self.sees(view).await
    }

    /// Shows HTML documents in place of the page, one after the other, and returns how wide each is once its pictures are there.
    pub(crate) async fn shows(&self, documents: &[&str]) -> Result<Vec<u32>> {
        let script = "const show = async (html) => { document.open(); document.write(html); document.close(); \
                        await Promise.all([...document.images].map((image) => image.decode())); \
                        return document.documentElement.scrollWidth }; \
                      const all = async (documents, widths = []) => { for (const html of documents) widths.push(await show(html)); return widths }; \
                      return all(arguments[0])";
        let widths = self.tab.execute(script, vec![json!(documents)]).await?;
        Ok(serde_json::from_value(widths)?)
    }

    /// Waits until the page shows a view.
    pub(crate) async fn sees(&self, view: &str) -> Result<()> {
        self.gets_to(&format!("[data-view='{view}']:not([hidden])")).await
    }

    /// Waits for a page with this element.
    async fn gets_to(&self, selector: &str) -> Result<()> {
        self.waits(&format!("{selector} is not there"), async || self.tab.find(Locator::Css(selector)).await.ok())
            .await
            .map(drop)
    }

    /// Waits until an element's text contains `part`.
    pub(crate) async fn reads(&self, selector: &str, part: &str) -> Result<()> {
        let says = async || self.text(selector).await.is_ok_and(|text| text.contains(part)).then_some(());
        self.waits(&format!("{selector} does not say {part:?}"), says).await
    }

    /// Waits until a script returns `wanted`.
    pub(crate) async fn gets(&self, script: &str, wanted: impl Into<Value>) -> Result<()> {
        let wanted = wanted.into();
        let returns = async || self.runs(script).await.is_ok_and(|found| found == wanted).then_some(());
        self.waits(&format!("{script:?} does not return {wanted}"), returns).await
    }

    /// Waits for something on the page. `why` says what it lacks otherwise. A page that is left at this moment answers with
    /// an error, which says nothing about the next one.
    async fn waits<T>(&self, why: &str, ask: impl AsyncFn() -> Option<T>) -> Result<T> {
        match until(ask).await {
            Some(found) => Ok(found),
            None => bail!("{why}; at {} there is:\n{}", self.place().await?, self.text("body").await?),
        }
    }

    pub(crate) async fn text(&self, selector: &str) -> Result<String> {
        // Readers do not see the marks that keep an address from reordering its sentence.
        let text = self.tab.find(Locator::Css(selector)).await?.text().await?;
        Ok(text.replace(['\u{2068}', '\u{2069}'], ""))
    }

    pub(crate) async fn types(&self, id: &str, text: &str) -> Result<()> {
        let field = self.shown(&format!("#{id}")).await?;
        field.clear().await?;
        Ok(field.send_keys(text).await?)
    }

    /// Presses the first visible element that a selector finds.
    pub(crate) async fn presses(&self, selector: &str) -> Result<()> {
        Ok(self.shown(selector).await?.click().await?)
    }

    /// Types into fields, and presses a button.
    pub(crate) async fn submits(&self, fields: &[(&str, &str)], button: &str) -> Result<()> {
        for (id, text) in fields {
            self.types(id, text).await?;
        }
        self.presses(button).await
    }

    /// Sends keys to the element with the focus.
    pub(crate) async fn keys(&self, text: &str) -> Result<()> {
        Ok(self.tab.active_element().await?.send_keys(text).await?)
    }

    /// The id or the name of the element with the focus.
    pub(crate) async fn focus(&self) -> Result<String> {
        let found = self.runs("return document.activeElement.id || document.activeElement.tagName").await?;
        Ok(found.as_str().unwrap_or_default().to_owned())
    }

    /// The address in the address bar.
    pub(crate) async fn place(&self) -> Result<String> {
        Ok(self.tab.current_url().await?.to_string())
    }

    pub(crate) async fn runs(&self, script: &str) -> Result<Value> {
        Ok(self.tab.execute(script, Vec::new()).await?)
    }

    /// Signs in on the pool's own page.
    pub(crate) async fn signs_in(&self, email: &str, password: &str) -> Result<()> {
        self.gets_to("form[action='/login']").await.context("there is no page to sign in on")?;
        self.submits(&[("username", email), ("password", password)], "button[type=submit]").await
    }

    /// Signs in from a page of ours that has the button, and comes back to the account page.
    pub(crate) async fn comes_in(&self, email: &str, password: &str) -> Result<()> {
        self.presses("[data-action=sign-in]").await?;
        self.signs_in(email, password).await?;
        self.sees("signed-in").await
    }

    /// Waits until the page shows an element.
    pub(crate) async fn finds(&self, selector: &str) -> Result<()> {
        self.shown(selector).await.map(drop)
    }

    /// Loads a script into the page and runs another one that uses it, and whose last argument takes the result. The page's
    /// Content-Security-Policy does not hold for the driver.
    pub(crate) async fn checks(&self, library: &str, script: &str) -> Result<Value> {
        self.tab.execute(library, Vec::new()).await?;
        Ok(self.tab.execute_async(script, Vec::new()).await?)
    }

    /// A picture of the whole page, however long it is.
    async fn picture(&self, format: &str, scale: f64) -> Result<Vec<u8>> {
        let area = "const { scrollWidth: width, scrollHeight: height } = document.documentElement; \
                    return { x: 0, y: 0, width, height }";
        let mut area = self.runs(area).await?;
        area["scale"] = json!(scale);
        let wanted = json!({ "format": format, "captureBeyondViewport": true, "clip": area });
        let taken = self.devtools("Page.captureScreenshot", &wanted).await?;
        Ok(BASE64_STANDARD.decode(taken["data"].as_str().context("the browser takes no picture")?)?)
    }

    /// Writes a picture of the whole page, if somebody wants pictures. The name has a folder: `pages/account`.
    pub(crate) async fn keeps(&self, name: &str) -> Result<()> {
        let Some(folder) = pictures() else { return Ok(()) };
        let file = folder.join(format!("{name}.png"));
        std::fs::create_dir_all(file.parent().unwrap_or(&folder))?;
        Ok(std::fs::write(file, self.picture("png", 1.0).await?)?)
    }

    /// Lays pictures out beside each other, small, each so many pixels wide or a little wider, on one picture. Each has a label and a
    /// name.
    pub(crate) async fn lays_out(&self, name: &str, width: u32, kept: &[(&str, String)]) -> Result<()> {
        let Some(folder) = pictures() else { return Ok(()) };
        let figures = kept.iter().map(|(label, picture)| {
            let source = folder.join(format!("{picture}.png"));
            format!("<figure><img src=\"file://{}\"><figcaption>{label}</figcaption></figure>", source.display())
        });
        let style = format!(
            "body {{ margin: 4px; display: grid; grid-template-columns: repeat(auto-fill, minmax({width}px, 1fr)); align-items: start; gap: 8px 6px; \
             background: #888; font: 12px sans-serif }} figure {{ margin: 0 }} img {{ display: block; width: 100% }}"
        );
        let page = folder.join(format!("{name}.html"));
        let head = "<!DOCTYPE html><meta name=\"viewport\" content=\"width=device-width\">";
        std::fs::write(&page, format!("{head}<style>{style}</style>{}", figures.collect::<String>()))?;
        self.turns_to(Screen { width: 1810, height: 400, dark: false }).await?;
        self.opens(&format!("file://{}", page.display())).await?;
        Ok(std::fs::write(page.with_extension("webp"), self.picture("webp", 0.6).await?)?)
    }

    /// What the page's Content-Security-Policy has stopped since the page was loaded.
    pub(crate) async fn violations(&self) -> Result<Value> {
        let script = "const observer = new ReportingObserver(() => {}, { types: ['csp-violation'], buffered: true }); \
                      observer.observe(); \
                      return observer.takeRecords().map((record) => JSON.stringify(record.body));";
        self.runs(script).await
    }

    async fn shown(&self, selector: &str) -> Result<Element> {
        let shown = async || {
            for element in self.tab.find_all(Locator::Css(selector)).await.ok()? {
                if element.is_displayed().await.unwrap_or_default() {
                    return Some(element);
                }
            }
            None
        };
        self.waits(&format!("{selector} is not shown"), shown).await
    }
}
