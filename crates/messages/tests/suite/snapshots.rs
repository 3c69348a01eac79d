//! What each message says, in two locales; and the one part of a mail that not every reader gets, in all of them.

use super::{ada, complete, messages, request, visible, with_links};
use insta::assert_snapshot;
use messages::settings::{APP_URL, FORM_OF_ADDRESS};
use messages::{INFORMAL, Kind, LOCALES, Mail, Messages, Person};

/// Subject, SMS and visible text of a message from Cognito.
fn cognito(kind: Kind, locale: &str) -> String {
    let person = Person { locales: &[locale], ..ada() };
    let (email, sms) = complete(&with_links(), &request(kind, person));
    format!("{}\n{sms}\n\n{}", email.subject, visible(&email.html))
}

/// Subject and plain text of a mail of the account API; its HTML must say the same.
fn mail(mail: &Mail<'_>, locale: &str) -> String {
    mail_of(&with_links(), mail, locale)
}

fn mail_of(messages: &Messages, mail: &Mail<'_>, locale: &str) -> String {
    let person = Person { locales: &[locale], ..ada() };
    let letter = messages.letter(mail, &person).unwrap();
    assert_eq!(letter.skipped, []);
    let html = visible(&letter.html);
    for line in letter.text.lines().filter(|line| line.ends_with(['.', '。'])) {
        assert!(html.contains(line), "{line} is not in {html}");
    }
    format!("{}\n\n{}", letter.subject, letter.text)
}

const CHANGE: Mail<'static> = Mail::EmailChangeCurrent { code: "493817", new_email: "ada@example.org", minutes: 15 };
const NEW: Mail<'static> = Mail::EmailChangeNew { code: "493817", minutes: 1 };
const CHANGED: Mail<'static> = Mail::EmailChanged { new_email: "a***@example.org" };
const ACTIVATION: Mail<'static> = Mail::Activation { username: "ada-1", token: "t", days: 7, inviter: None };

#[test]
fn sign_up() {
    assert_snapshot!(cognito(Kind::SignUp, "en"), @r"
    Confirm your email address – Harbour
    Harbour: {####} is your confirmation code.

    Harbour
    Confirm your email address
    Hello Ada,
    Thanks for signing up. Confirm your email address to activate your account.
    Confirm email address
    Or enter this code
    {####}
    The code is valid for 24 hours.
    If you didn’t sign up, you can ignore this message. No account will be activated.
    If the button doesn’t work, copy this address into your browser:
    https://app.example.com/complete-registration?code={####}&username=ada-1&email=ada%2Bnews%40example.com
    Harbour
    ");
    assert_snapshot!(cognito(Kind::SignUp, "de"), @r"
    Bestätigen Sie Ihre E-Mail-Adresse – Harbour
    Harbour: {####} ist Ihr Bestätigungscode.

    Harbour
    Bestätigen Sie Ihre E‑Mail-Adresse
    Guten Tag,
    Vielen Dank für Ihre Registrierung. Bestätigen Sie Ihre E-Mail-Adresse, um Ihr Konto zu aktivieren.
    E-Mail-Adresse bestätigen
    Oder geben Sie diesen Code ein
    {####}
    Der Code ist 24 Stunden gültig.
    Falls Sie sich nicht registriert haben, können Sie diese Nachricht ignorieren. Es wird kein Konto aktiviert.
    Falls die Schaltfläche nicht funktioniert, kopieren Sie diese Adresse in Ihren Browser:
    https://app.example.com/complete-registration?code={####}&username=ada-1&email=ada%2Bnews%40example.com
    Harbour
    ");
}

#[test]
fn resend_code() {
    assert_snapshot!(cognito(Kind::ResendCode, "en"), @r"
    Your new confirmation code – Harbour
    Harbour: {####} is your new confirmation code.

    Harbour
    Here is your new code
    Hello Ada,
    You asked for a new code. Confirm your email address to activate your account. Earlier codes no longer work.
    Confirm email address
    Or enter this code
    {####}
    The code is valid for 24 hours.
    If you didn’t ask for this, you can ignore this message. No account will be activated.
    If the button doesn’t work, copy this address into your browser:
    https://app.example.com/complete-registration?code={####}&username=ada-1&email=ada%2Bnews%40example.com
    Harbour
    ");
    assert_snapshot!(cognito(Kind::ResendCode, "fr"), @r"
    Votre nouveau code de confirmation – Harbour
    Harbour: {####} est votre nouveau code de confirmation.

    Harbour
    Voici votre nouveau code
    Bonjour Ada,
    Vous avez demandé un nouveau code. Confirmez votre adresse e-mail pour activer votre compte. Les codes précédents ne sont plus valables.
    Confirmer l’adresse e-mail
    Ou saisissez ce code
    {####}
    Le code est valable 24 heures.
    Si cette demande ne vient pas de vous, vous pouvez ignorer ce message. Aucun compte ne sera activé.
    Si le bouton ne fonctionne pas, copiez cette adresse dans votre navigateur :
    https://app.example.com/complete-registration?code={####}&username=ada-1&email=ada%2Bnews%40example.com
    Harbour
    ");
}

#[test]
fn forgot_password() {
    assert_snapshot!(cognito(Kind::ForgotPassword, "en"), @r"
    Reset your password – Harbour
    Harbour: {####} is your password reset code. Don't share it.

    Harbour
    Reset your password
    Hello Ada,
    Someone asked to reset the password of your account. If it was you, choose a new password now.
    Choose a new password
    Or enter this code
    {####}
    The code is valid for 1 hour. Don’t share it with anyone: we will never ask you for it.
    If it wasn’t you, you can ignore this message. Your password stays the same.
    If the button doesn’t work, copy this address into your browser:
    https://app.example.com/complete-password-reset?code={####}&username=ada-1&email=ada%2Bnews%40example.com
    Harbour
    ");
    assert_snapshot!(cognito(Kind::ForgotPassword, "es"), @r"
    Restablezca su contraseña – Harbour
    Harbour: {####} sirve para restablecer su contraseña. No lo comparta.

    Harbour
    Restablezca su contraseña
    Hola, Ada:
    Alguien ha pedido restablecer la contraseña de su cuenta. Si ha sido usted, elija ahora una contraseña nueva.
    Elegir contraseña nueva
    O introduzca este código
    {####}
    El código es válido durante 1 hora. No lo comparta con nadie: nunca se lo pediremos.
    Si no ha sido usted, puede ignorar este mensaje. Su contraseña no cambia.
    Si el botón no funciona, copie esta dirección en su navegador:
    https://app.example.com/complete-password-reset?code={####}&username=ada-1&email=ada%2Bnews%40example.com
    Harbour
    ");
}

#[test]
fn update_attribute() {
    assert_snapshot!(cognito(Kind::UpdateAttribute, "en"), @r"
    Confirm your new email address – Harbour
    Harbour: {####} is your code to confirm a change to your account.

    Harbour
    Confirm your new email address
    Hello Ada,
    We received a request to change the email address of your account to this one. Please confirm the change.
    Confirm the change
    Or enter this code
    {####}
    The code is valid for 24 hours.
    If you didn’t ask for this, ignore this message and don’t share the code with anyone.
    If the button doesn’t work, copy this address into your browser:
    https://app.example.com/complete-email-change?code={####}&username=ada-1
    Harbour
    ");
    assert_snapshot!(cognito(Kind::UpdateAttribute, "pt-BR"), @r"
    Confirme seu novo e-mail – Harbour
    Harbour: {####} confirma a alteração da conta.

    Harbour
    Confirme seu novo e‑mail
    Olá, Ada!
    Recebemos um pedido para alterar o e-mail da sua conta para este. Confirme a alteração.
    Confirmar alteração
    Ou digite este código
    {####}
    O código é válido por 24 horas.
    Se você não pediu isso, ignore esta mensagem e não compartilhe o código com ninguém.
    Se o botão não funcionar, copie este endereço no seu navegador:
    https://app.example.com/complete-email-change?code={####}&username=ada-1
    Harbour
    ");
}

#[test]
fn verify_attribute() {
    assert_snapshot!(cognito(Kind::VerifyAttribute, "en"), @r"
    Confirm your email address – Harbour
    Harbour: {####} is your confirmation code.

    Harbour
    Confirm your email address
    Hello Ada,
    Please confirm that this email address is yours.
    Confirm email address
    Or enter this code
    {####}
    The code is valid for 24 hours.
    If you didn’t ask for this, you can ignore this message.
    If the button doesn’t work, copy this address into your browser:
    https://app.example.com/complete-email-change?code={####}&username=ada-1
    Harbour
    ");
    assert_snapshot!(cognito(Kind::VerifyAttribute, "ja"), @r"
    メールアドレスの確認 – Harbour
    Harbour: 確認コードは {####} です。

    Harbour
    メールアドレスの確認
    お客様へ
    ご自身のメールアドレスであることを確認してください。
    メールアドレスを確認する
    または、次のコードを入力してください
    {####}
    コードの有効期間は24時間です。
    お心当たりがない場合は、このメールを無視してください。
    ボタンが使えない場合は、次のアドレスをコピーしてブラウザーで開いてください。
    https://app.example.com/complete-email-change?code={####}&username=ada-1
    Harbour
    ");
}

#[test]
fn admin_create_user() {
    assert_snapshot!(cognito(Kind::AdminCreateUser, "en"), @r"
    Your account is ready – Harbour
    Harbour: username {username}, temporary password {####}

    Harbour
    Your account is ready
    Hello Ada,
    An account was created for you. Sign in with these details. You will then choose your own password.
    Username
    {username}
    Temporary password
    {####}
    Sign in
    The temporary password is valid for a limited time. Don’t share it with anyone.
    If you didn’t expect this invitation, you can ignore this message.
    If the button doesn’t work, copy this address into your browser:
    https://app.example.com/login?username=ada-1&email=ada%2Bnews%40example.com
    Harbour
    ");
    assert_snapshot!(cognito(Kind::AdminCreateUser, "ar"), @r"
    حسابك جاهز – Harbour
    Harbour: اسم المستخدم {username} وكلمة المرور المؤقتة {####}

    Harbour
    حسابك جاهز
    مرحبًا Ada،
    أُنشئ لك حساب. يُرجى تسجيل الدخول بهذه البيانات، ثم اختيار كلمة مرور خاصة بك.
    اسم المستخدم
    {username}
    كلمة المرور المؤقتة
    {####}
    تسجيل الدخول
    كلمة المرور المؤقتة صالحة لفترة محدودة. يُرجى عدم مشاركتها مع أي شخص.
    إذا كانت هذه الدعوة غير متوقعة، فيمكنك تجاهل هذه الرسالة.
    إذا لم يعمل الزر، يُرجى نسخ عنوان هذا الرابط إلى المتصفح:
    https://app.example.com/login?username=ada-1&email=ada%2Bnews%40example.com
    Harbour
    ");
}

#[test]
fn authentication() {
    assert_snapshot!(cognito(Kind::Authentication, "en"), @r"
    Your sign-in code – Harbour
    Harbour: {####} is your sign-in code. Don't share it.

    Harbour
    Your sign-in code
    Hello Ada,
    Enter this code to finish signing in.
    Your code
    {####}
    The code expires in a few minutes. Don’t share it with anyone: we will never ask you for it.
    If you aren’t signing in right now, someone else may be trying to. If you have a password, change it to be safe.
    Change your password
    Harbour
    ");
    assert_snapshot!(cognito(Kind::Authentication, "de"), @r"
    Ihr Anmeldecode – Harbour
    Harbour: {####} ist Ihr Anmeldecode. Geben Sie ihn nicht weiter.

    Harbour
    Ihr Anmeldecode
    Guten Tag,
    Geben Sie diesen Code ein, um sich anzumelden.
    Ihr Code
    {####}
    Der Code läuft in wenigen Minuten ab. Geben Sie ihn nicht weiter: Wir werden Sie nie danach fragen.
    Wenn Sie sich nicht gerade selbst anmelden, versucht es möglicherweise jemand anderes. Falls Sie ein Passwort haben, ändern Sie es zur Sicherheit.
    Passwort ändern
    Harbour
    ");
}

#[test]
fn email_change_current() {
    assert_snapshot!(mail(&CHANGE, "en"), @r"
    Approve your new email address – Harbour

    Do you want to change your email address?

    Hello Ada,

    Someone asked to change the email address of your account to ada@example.org. If it was you and the address is yours, approve the change. You may have to sign in first.

    Approve the change
    https://app.example.com/complete-email-change?code=493817

    Or enter this code
    493817

    The code is valid for 15 minutes. Don’t share it with anyone: we will never ask you for it.
    If it wasn’t you, don’t approve the change: your address then stays the same. Someone else may have access to your account, so change your password.

    Change your password
    https://app.example.com/complete-password-reset?email=ada%2Bnews%40example.com

    -- 
    Harbour
    https://app.example.com
    ");
    assert_snapshot!(mail(&CHANGE, "ar"), @r"
    الموافقة على بريدك الإلكتروني الجديد – Harbour

    طلب تغيير بريدك الإلكتروني: هل هو منك؟

    مرحبًا Ada،

    وصلنا طلب لتغيير البريد الإلكتروني لحسابك إلى ada@example.org. إذا كان الطلب منك وكان العنوان لك، فيُرجى الموافقة على التغيير. قد يلزم تسجيل الدخول أولًا.

    الموافقة على التغيير
    https://app.example.com/complete-email-change?code=493817

    أو يمكنك إدخال هذا الرمز
    493817

    الرمز صالح لمدة 15 دقيقة. يُرجى عدم مشاركته مع أي شخص، فنحن لن نطلبه منك أبدًا.
    إذا لم يكن الطلب منك، فيُرجى عدم الموافقة، وسيبقى عنوانك كما هو. قد يستطيع شخص آخر الدخول إلى حسابك، ولذلك يُرجى تغيير كلمة المرور.

    تغيير كلمة المرور
    https://app.example.com/complete-password-reset?email=ada%2Bnews%40example.com

    -- 
    Harbour
    https://app.example.com
    ");
}

#[test]
fn email_change_new() {
    assert_snapshot!(mail(&NEW, "en"), @r"
    Confirm your new email address – Harbour

    Confirm your new email address

    Hello Ada,

    Confirm that you want to use this email address for your account. You may have to sign in first.

    Confirm email address
    https://app.example.com/complete-email-change?code=493817

    Or enter this code
    493817

    The code is valid for 1 minute. Don’t share it with anyone: we will never ask you for it.
    If you didn’t ask for this, you can ignore this message. Nothing will change.

    -- 
    Harbour
    https://app.example.com
    ");
    assert_snapshot!(mail(&NEW, "fr"), @r"
    Confirmez votre nouvelle adresse e-mail – Harbour

    Confirmez votre nouvelle adresse e‑mail

    Bonjour Ada,

    Confirmez que vous souhaitez utiliser cette adresse e-mail avec votre compte. Vous devrez peut-être d’abord vous connecter.

    Confirmer l’adresse e-mail
    https://app.example.com/complete-email-change?code=493817

    Ou saisissez ce code
    493817

    Le code est valable 1 minute. Ne le communiquez à personne : nous ne vous le demanderons jamais.
    Si cette demande ne vient pas de vous, vous pouvez ignorer ce message. Rien ne changera.

    -- 
    Harbour
    https://app.example.com
    ");
}

#[test]
fn identity_code() {
    assert_snapshot!(mail(&Mail::IdentityCode { code: "493817", provider: "Google", minutes: 15 }, "en"), @r"
    Approve connecting your account – Harbour

    Do you want to connect your account?

    Hello Ada,

    Someone who is signed in to your account asked to connect it with another one. One of the two accounts then has both ways to sign in, and the other one is deleted. If it was you, enter this code to approve.

    Sign-in with
    Google

    Your code
    493817

    The code is valid for 15 minutes. Don’t share it with anyone: we will never ask you for it.
    If it wasn’t you, don’t share the code: nothing is connected then. Someone else may have access to your account, so change your password and sign out everywhere.

    Change your password
    https://app.example.com/complete-password-reset?email=ada%2Bnews%40example.com

    -- 
    Harbour
    https://app.example.com
    ");
}

#[test]
fn identity_connected_and_disconnected() {
    assert_snapshot!(mail(&Mail::IdentityConnected { provider: "Google" }, "en"), @r"
    A new way to sign in to your account – Harbour

    A new way to sign in

    Hello Ada,

    A way to sign in was added to your account. You can now sign in with it, too.

    Sign-in with
    Google

    If it wasn’t you, someone else may have access to your account.

    Change your password
    https://app.example.com/complete-password-reset?email=ada%2Bnews%40example.com

    -- 
    Harbour
    https://app.example.com
    ");
    assert_snapshot!(mail(&Mail::IdentityDisconnected { provider: "Apple" }, "ja"), @r"
    アカウントからログイン方法が削除されました – Harbour

    ログイン方法が削除されました

    お客様へ

    アカウントからログイン方法が削除されました。すべての端末でログアウトしました。もう一度ログインしてください。

    ログイン方法
    Apple

    お心当たりがない場合は、第三者がアカウントにログインしているおそれがあります。

    パスワードを変更する
    https://app.example.com/complete-password-reset?email=ada%2Bnews%40example.com

    -- 
    Harbour
    https://app.example.com
    ");
}

#[test]
fn email_changed() {
    assert_snapshot!(mail(&CHANGED, "en"), @r"
    Your email address was changed – Harbour

    Your email address was changed

    Hello Ada,

    The email address of your account was changed. From now on, we write only to the new address, and you sign in with it.

    New address
    a***@example.org

    If it wasn’t you, someone else may have access to your account.

    -- 
    Harbour
    https://app.example.com
    ");
    assert_snapshot!(mail(&CHANGED, "es"), @r"
    Su dirección de correo ha cambiado – Harbour

    Su dirección de correo ha cambiado

    Hola, Ada:

    La dirección de correo de su cuenta ha cambiado. A partir de ahora, solo le escribiremos a la dirección nueva, y con ella iniciará sesión.

    Dirección de correo nueva
    a***@example.org

    Si no ha sido usted, puede que otra persona tenga acceso a su cuenta.

    -- 
    Harbour
    https://app.example.com
    ");
}

#[test]
fn activation() {
    assert_snapshot!(mail(&ACTIVATION, "en"), @r"
    Activate your account – Harbour

    You’re invited

    Hello Ada,

    An account is waiting for you. Choose your password to activate it.

    Activate account
    https://app.example.com/activate?username=ada-1&token=t

    The link is valid for 7 days and can only be used once. Don’t forward it to anyone.
    If you didn’t expect this invitation, you can ignore this message.

    -- 
    Harbour
    https://app.example.com
    ");
    assert_snapshot!(mail(&ACTIVATION, "ar"), @r"
    تفعيل حسابك – Harbour

    وصلتك دعوة

    مرحبًا Ada،

    هناك حساب جاهز لك. يُرجى اختيار كلمة المرور لتفعيله.

    تفعيل الحساب
    https://app.example.com/activate?username=ada-1&token=t

    الرابط صالح لمدة 7 أيام، ولا يُستخدم إلا مرة واحدة. يُرجى عدم إعادة توجيهه إلى أي شخص.
    إذا كانت هذه الدعوة غير متوقعة، فيمكنك تجاهل هذه الرسالة.

    -- 
    Harbour
    https://app.example.com
    ");
}

#[test]
fn activation_by_a_member_in_every_language_and_form_of_address() {
    let by_grace = Mail::Activation { username: "ada-1", token: "t", days: 7, inviter: Some("Grace Hopper") };
    let said = LOCALES.iter().chain(INFORMAL).map(|locale| {
        let form = if locale.id == locale.tag { String::new() } else { format!("{}:informal", locale.tag) };
        let messages = messages(&[(APP_URL, "https://app.example.com"), (FORM_OF_ADDRESS, &form)]);
        let text = mail_of(&messages, &by_grace, locale.tag);
        let line = text.lines().find(|line| line.contains("Grace Hopper"));
        format!("{}: {}\n", locale.id, line.unwrap_or("nobody is named"))
    });
    assert_snapshot!(said.collect::<String>(), @r"
    ar: وصلتك هذه الدعوة من Grace Hopper. هناك حساب جاهز لك. يُرجى اختيار كلمة المرور لتفعيله.
    de: Sie haben eine Einladung von Grace Hopper erhalten. Für Sie ist ein Konto vorbereitet. Wählen Sie Ihr Passwort, um es zu aktivieren.
    en: Grace Hopper has invited you. An account is waiting for you. Choose your password to activate it.
    es: Grace Hopper le envía esta invitación. Hay una cuenta preparada para usted. Elija su contraseña para activarla.
    fr: Cette invitation vous est envoyée par Grace Hopper. Un compte vous attend. Choisissez votre mot de passe pour l’activer.
    ja: Grace Hopper様からの招待です。お客様のアカウントが用意されています。パスワードを設定して、アカウントを有効にしてください。
    pt-BR: Você recebeu um convite de Grace Hopper. Uma conta está esperando por você. Escolha sua senha para ativar a conta.
    de-informal: Du hast eine Einladung von Grace Hopper erhalten. Für dich ist ein Konto vorbereitet. Wähle dein Passwort, um es zu aktivieren.
    es-informal: Grace Hopper te envía esta invitación. Hay una cuenta preparada para ti. Elige tu contraseña para activarla.
    fr-informal: Cette invitation t’est envoyée par Grace Hopper. Un compte t’attend. Choisis ton mot de passe pour l’activer.
    ");
}

#[test]
fn account_exists() {
    assert_snapshot!(mail(&Mail::AccountExists, "en"), @r"
    You already have an account – Harbour

    You already have an account

    Hello Ada,

    Someone, probably you, tried to sign up with this email address. You already have an account. Sign in, or reset your password if you’ve forgotten it.

    Sign in
    https://app.example.com/login?email=ada%2Bnews%40example.com

    If it wasn’t you, you don’t need to do anything. No account was created or changed.

    -- 
    Harbour
    https://app.example.com
    ");
    assert_snapshot!(mail(&Mail::AccountExists, "ja"), @r"
    すでにアカウントをお持ちです – Harbour

    すでにアカウントをお持ちです

    お客様へ

    このメールアドレスで、おそらくご自身による新規登録の操作がありました。すでにアカウントをお持ちですので、ログインしてください。パスワードをお忘れの場合は、再設定してください。

    ログインする
    https://app.example.com/login?email=ada%2Bnews%40example.com

    お心当たりがない場合も、何もしていただく必要はありません。アカウントは作成も変更もされていません。

    -- 
    Harbour
    https://app.example.com
    ");
}
