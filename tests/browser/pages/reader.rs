//! A person in front of a browser, who opens links, reads the page, types and presses buttons.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use fantoccini::elements::Element;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use local_cloud::browser::Browser;
use serde_json::{Value, json};

/// Where `cargo xtask pictures` wants the pictures. Nobody else makes any.
fn folder() -> Result<Option<PathBuf>> {
    let Some(folder) = std::env::var_os("PICTURES_FOLDER") else { return Ok(None) };
    let folder = PathBuf::from(folder).join("pages");
    std::fs::create_dir_all(&folder)?;
    Ok(Some(folder))
}

/// How long a page may take to show what a test waits for. The limit is high, because the machine may compile at the
/// same time.
const PATIENCE: Duration = Duration::from_secs(30);

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
        let mut capabilities = browser.capabilities();
        let options = &mut capabilities["goog:chromeOptions"];
        // A window cannot be made as narrow as a phone.
        let metrics = json!({ "width": screen.width, "height": screen.height, "pixelRatio": 1, "touch": false });
        options["mobileEmulation"] = json!({ "deviceMetrics": metrics });
        let arguments = options["args"].as_array_mut().context("the browser takes no arguments")?;
        arguments.push(json!("--hide-scrollbars"));
        // 0 is dark in Chromium's own settings, 1 is light.
        arguments.push(json!(format!("--blink-settings=preferredColorScheme={}", i32::from(!screen.dark))));
        let tab = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(browser.address())
            .await
            .context("the browser takes no session")?;
        Ok(Self { tab, browser })
    }

    pub(crate) async fn leaves(self) -> Result<()> {
        Ok(self.tab.close().await?)
    }

    pub(crate) async fn opens(&self, address: &str) -> Result<()> {
        Ok(self.tab.goto(address).await?)
    }

    /// Waits until the page shows a view.
    pub(crate) async fn sees(&self, view: &str) -> Result<()> {
        if self.gets_to(&format!("[data-view='{view}']:not([hidden])")).await {
            return Ok(());
        }
        bail!("{view} is not shown; at {} there is:\n{}", self.place().await?, self.text("body").await?)
    }

    /// Waits for a page with this element.
    async fn gets_to(&self, selector: &str) -> bool {
        // A page that is left at this moment answers with an error, which says nothing about the next one.
        for _ in 0..PATIENCE.as_millis() / 50 {
            if self.tab.find(Locator::Css(selector)).await.is_ok() {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        false
    }

    /// Waits until an element's text contains `part`.
    pub(crate) async fn reads(&self, selector: &str, part: &str) -> Result<()> {
        for _ in 0..PATIENCE.as_millis() / 50 {
            if self.text(selector).await.is_ok_and(|text| text.contains(part)) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bail!("{selector} does not say {part:?}; at {} there is:\n{}", self.place().await?, self.text("body").await?)
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
        if !self.gets_to("form[action='/login']").await {
            bail!("there is no page to sign in on; at {} there is:\n{}", self.place().await?, self.text("body").await?)
        }
        self.types("username", email).await?;
        self.types("password", password).await?;
        self.presses("button[type=submit]").await
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

    /// Writes a picture, if somebody wants pictures.
    pub(crate) async fn keeps(&self, name: &str) -> Result<()> {
        let Some(folder) = folder()? else { return Ok(()) };
        Ok(std::fs::write(folder.join(format!("{name}.png")), self.tab.screenshot().await?)?)
    }

    /// Lays pictures out beside each other, small, with their names, on one picture. `prefix` and a label are a picture's name.
    pub(crate) async fn lays_out(&self, name: &str, prefix: &str, labels: &[&str], screen: Screen) -> Result<()> {
        // As many columns as there is room for, each a share of the screen.
        const WIDTH: u32 = 1810;
        let Some(folder) = folder()? else { return Ok(()) };
        let share = if screen.width > 600 { 27 } else { 40 };
        let (width, height) = (screen.width * share / 100, screen.height * share / 100);
        let columns = WIDTH / (width + 6);
        let rows = u32::try_from(labels.len())?.div_ceil(columns);
        let figure = |label: &&str| {
            format!("<figure><img src=\"{prefix}{label}.png\"><figcaption>{label}</figcaption></figure>")
        };
        let figures: String = labels.iter().map(figure).collect();
        let style = format!(
            "body {{ margin: 4px; display: grid; grid-template-columns: repeat({columns}, {width}px); gap: 8px 6px; background: #888; \
             font: 9px sans-serif }} figure {{ margin: 0 }} img {{ display: block; width: {width}px; height: {height}px }}"
        );
        let page = folder.join(format!("{name}.html"));
        std::fs::write(&page, format!("<!DOCTYPE html><style>{style}</style>{figures}"))?;
        let picture = page.with_extension("webp");
        let mut browser = tokio::process::Command::new(self.browser.program());
        browser.args(["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]);
        browser.args([
            "--force-device-scale-factor=0.6".to_owned(),
            format!("--window-size={WIDTH},{}", rows * (height + 20) + 8),
        ]);
        browser.arg(format!("--screenshot={}", picture.display())).arg(format!("file://{}", page.display()));
        let output = browser.output().await?;
        anyhow::ensure!(output.status.success() && picture.is_file(), "{name} cannot be laid out");
        Ok(())
    }

    /// What the page's Content-Security-Policy has stopped since the page was loaded.
    pub(crate) async fn violations(&self) -> Result<Value> {
        let script = "const observer = new ReportingObserver(() => {}, { types: ['csp-violation'], buffered: true }); \
                      observer.observe(); \
                      return observer.takeRecords().map((record) => JSON.stringify(record.body));";
        self.runs(script).await
    }

    async fn shown(&self, selector: &str) -> Result<Element> {
        for _ in 0..PATIENCE.as_millis() / 50 {
            for element in self.tab.find_all(Locator::Css(selector)).await? {
                if element.is_displayed().await.unwrap_or_default() {
                    return Ok(element);
                }
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bail!("{selector} is not shown; at {} there is:\n{}", self.place().await?, self.text("body").await?)
    }
}
