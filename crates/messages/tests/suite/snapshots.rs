//! What each message says, in two locales.

use super::{ada, complete, request, visible, with_links};
use insta::assert_snapshot;
use messages::{Kind, Mail, Person};

/// Subject, SMS and visible text of a message from Cognito.
fn cognito(kind: Kind, locale: &str) -> String {
    let person = Person { locales: &[locale], ..ada() };
    let (email, sms) = complete(&with_links(), &request(kind, person));
    format!("{}\n{sms}\n\n{}", email.subject, visible(&email.html))
}

/// Subject and plain text of a mail of the account API; its HTML must say the same.
fn mail(mail: &Mail<'_>, locale: &str) -> String {
    let person = Person { locales: &[locale], ..ada() };
    let letter = with_links().letter(mail, &person).unwrap();
    assert_eq!(letter.falls, []);
    let html = visible(&letter.html);
    for line in letter.text.lines().filter(|line| line.ends_with(['.', '。'])) {
        assert!(html.contains(line), "{line} is not in {html}");
    }
    format!("{}\n\n{}", letter.subject, letter.text)
}

const CHANGE: Mail<'static> =
    Mail::EmailChangeCurrent { code: "493817", link: None, new_email: "a***@example.org", minutes: 15 };
const NEW: Mail<'static> = Mail::EmailChangeNew {
    code: "493817",
    link: Some("https://app.example.com/complete-email-change?code=493817&id=7"),
    minutes: 1,
};
const CHANGED: Mail<'static> = Mail::EmailChanged { new_email: "a***@example.org" };
const ACTIVATION: Mail<'static> =
    Mail::Activation { link: "https://app.example.com/activate?username=ada-1&token=t", days: 7 };

#[test]
fn sign_up() {
    assert_snapshot!(cognito(Kind::SignUp, "en"), @r"
    Confirm your email address – Harbour
    Harbour: {####} is your confirmation code.

    Harbour
    Confirm your email address
    Hello Ada,
    Thank you for signing up. Confirm your email address to activate your account.
    Confirm email address
    Or enter this code
    {####}
    The code is valid for 24 hours.
    If you did not sign up, simply ignore this message. No account will be activated.
    If the button does not work, copy this address into your browser:
    https://app.example.com/complete-registration?code={####}&username=ada-1&email=ada%2Bnews%40example.com
    Harbour
    ");
    assert_snapshot!(cognito(Kind::SignUp, "de"), @r"
    Bestätigen Sie Ihre E-Mail-Adresse – Harbour
    Harbour: {####} ist Ihr Bestätigungscode.

    Harbour
    Bestätigen Sie Ihre E-Mail-Adresse
    Guten Tag Ada,
    Vielen Dank für Ihre Registrierung. Bestätigen Sie Ihre E-Mail-Adresse, um Ihr Konto zu aktivieren.
    E-Mail-Adresse bestätigen
    Oder geben Sie diesen Code ein
    {####}
    Der Code ist 24 Stunden gültig.
    Falls Sie sich nicht registriert haben, ignorieren Sie diese Nachricht einfach. Es wird kein Konto aktiviert.
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
    You asked for a new code. Confirm your email address to activate your account.
    Confirm email address
    Or enter this code
    {####}
    The code is valid for 24 hours.
    If you did not ask for this, simply ignore this message. No account will be activated.
    If the button does not work, copy this address into your browser:
    https://app.example.com/complete-registration?code={####}&username=ada-1&email=ada%2Bnews%40example.com
    Harbour
    ");
    assert_snapshot!(cognito(Kind::ResendCode, "fr"), @r"
    Votre nouveau code de confirmation – Harbour
    Harbour: {####} est votre nouveau code de confirmation.

    Harbour
    Voici votre nouveau code
    Bonjour Ada,
    Vous avez demandé un nouveau code. Confirmez votre adresse e-mail pour activer votre compte.
    Confirmer l’adresse e-mail
    Ou saisissez ce code
    {####}
    Le code est valable 24 heures.
    Si vous n’avez rien demandé, ignorez simplement ce message. Aucun compte ne sera activé.
    Si le bouton ne fonctionne pas, copiez cette adresse dans votre navigateur :
    https://app.example.com/complete-registration?code={####}&username=ada-1&email=ada%2Bnews%40example.com
    Harbour
    ");
}

#[test]
fn forgot_password() {
    assert_snapshot!(cognito(Kind::ForgotPassword, "en"), @r"
    Reset your password – Harbour
    Harbour: {####} is your password reset code. Never share it.

    Harbour
    Reset your password
    Hello Ada,
    Somebody asked to reset the password of your account. If it was you, choose a new password now.
    Choose a new password
    Or enter this code
    {####}
    The code is valid for 1 hour. Never share it: we will never ask you for it.
    If it was not you, ignore this message. Your password stays as it is.
    If the button does not work, copy this address into your browser:
    https://app.example.com/complete-password-reset?code={####}&username=ada-1&email=ada%2Bnews%40example.com
    Harbour
    ");
    assert_snapshot!(cognito(Kind::ForgotPassword, "es"), @r"
    Restablezca su contraseña – Harbour
    Harbour: {####} es su código para restablecer la contraseña. No lo comparta.

    Harbour
    Restablezca su contraseña
    Hola, Ada:
    Alguien ha solicitado restablecer la contraseña de su cuenta. Si ha sido usted, elija ahora una contraseña nueva.
    Elegir contraseña nueva
    O introduzca este código
    {####}
    El código es válido durante 1 hora. No lo comparta con nadie: nunca se lo pediremos.
    Si no ha sido usted, ignore este mensaje. Su contraseña no cambiará.
    Si el botón no funciona, copie esta dirección en su navegador:
    https://app.example.com/complete-password-reset?code={####}&username=ada-1&email=ada%2Bnews%40example.com
    Harbour
    ");
}

#[test]
fn update_attribute() {
    assert_snapshot!(cognito(Kind::UpdateAttribute, "en"), @r"
    Confirm your new email address – Harbour
    Harbour: {####} is the code to confirm the change to your account.

    Harbour
    Confirm your new email address
    Hello Ada,
    The email address of your account is being changed to this one. Please confirm the change.
    Confirm the change
    Or enter this code
    {####}
    The code is valid for 24 hours.
    If you did not ask for this change, ignore this message and do not share the code.
    If the button does not work, copy this address into your browser:
    https://app.example.com/complete-email-change?code={####}&username=ada-1
    Harbour
    ");
    assert_snapshot!(cognito(Kind::UpdateAttribute, "pt-BR"), @r"
    Confirme seu novo e-mail – Harbour
    Harbour: {####} é o código para confirmar a alteração na sua conta.

    Harbour
    Confirme seu novo e-mail
    Olá, Ada!
    O e-mail da sua conta está sendo alterado para este endereço. Por favor, confirme a alteração.
    Confirmar alteração
    Ou digite este código
    {####}
    O código é válido por 24 horas.
    Se você não pediu esta alteração, ignore esta mensagem e não compartilhe o código.
    Se o botão não funcionar, copie este endereço no seu navegador:
    https://app.example.com/complete-email-change?code={####}&username=ada-1
    Harbour
    ");
}

#[test]
fn verify_attribute() {
    assert_snapshot!(cognito(Kind::VerifyAttribute, "en"), @r"
    Verify your email address – Harbour
    Harbour: {####} is your verification code.

    Harbour
    Verify your email address
    Hello Ada,
    Please verify that this email address belongs to you.
    Verify email address
    Or enter this code
    {####}
    The code is valid for 24 hours.
    If you did not ask for this, simply ignore this message.
    If the button does not work, copy this address into your browser:
    https://app.example.com/complete-email-change?code={####}&username=ada-1
    Harbour
    ");
    assert_snapshot!(cognito(Kind::VerifyAttribute, "ja"), @r"
    メールアドレスをご確認ください – Harbour
    Harbour: 確認コードは {####} です。

    Harbour
    メールアドレスの確認
    Ada 様
    このメールアドレスがご本人様のものであることをご確認ください。
    メールアドレスを確認する
    または、次のコードを入力してください
    {####}
    コードの有効期限は24時間です。
    お心当たりがない場合は、このメッセージを破棄してください。
    ボタンが機能しない場合は、次のアドレスをブラウザーに貼り付けてください。
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
    An account was created for you. Sign in with these details; you will then be asked to choose your own password.
    Username
    {username}
    Temporary password
    {####}
    Sign in
    The temporary password is valid for a limited time. Please do not share it.
    If you did not expect this invitation, simply ignore this message.
    If the button does not work, copy this address into your browser:
    https://app.example.com/login?username=ada-1&email=ada%2Bnews%40example.com
    Harbour
    ");
    assert_snapshot!(cognito(Kind::AdminCreateUser, "ar"), @r"
    حسابك جاهز – Harbour
    Harbour: اسم المستخدم {username} وكلمة المرور المؤقتة {####}

    Harbour
    حسابك جاهز
    مرحبًا Ada،
    تم إنشاء حساب لك. يُرجى تسجيل الدخول بهذه البيانات، ثم اختيار كلمة مرور خاصة بك.
    اسم المستخدم
    {username}
    كلمة المرور المؤقتة
    {####}
    تسجيل الدخول
    كلمة المرور المؤقتة صالحة لفترة محدودة. يُرجى عدم مشاركتها.
    إذا لم تكن تتوقع هذه الدعوة، فيُرجى تجاهل هذه الرسالة.
    إذا لم يعمل الزر، يُرجى نسخ هذا العنوان إلى المتصفح:
    https://app.example.com/login?username=ada-1&email=ada%2Bnews%40example.com
    Harbour
    ");
}

#[test]
fn authentication() {
    assert_snapshot!(cognito(Kind::Authentication, "en"), @r"
    Your sign-in code – Harbour
    Harbour: {####} is your sign-in code. Never share it.

    Harbour
    Your sign-in code
    Hello Ada,
    Enter this code to finish signing in.
    Your code
    {####}
    The code expires in a few minutes. Never share it: we will never ask you for it.
    If you are not signing in right now, somebody may know your password. Please change it.
    Harbour
    ");
    assert_snapshot!(cognito(Kind::Authentication, "de"), @r"
    Ihr Anmeldecode – Harbour
    Harbour: {####} ist Ihr Anmeldecode. Geben Sie ihn niemandem weiter.

    Harbour
    Ihr Anmeldecode
    Guten Tag Ada,
    Geben Sie diesen Code ein, um die Anmeldung abzuschließen.
    Ihr Code
    {####}
    Der Code läuft in wenigen Minuten ab. Geben Sie ihn niemandem weiter: Wir werden Sie nie danach fragen.
    Wenn Sie sich gerade nicht anmelden, kennt möglicherweise jemand Ihr Passwort. Bitte ändern Sie es.
    Harbour
    ");
}

#[test]
fn email_change_current() {
    assert_snapshot!(mail(&CHANGE, "en"), @r"
    Approve the change of your email address – Harbour

    Do you want to change your email address?

    Hello Ada,

    Somebody asked to change the email address of your account to a***@example.org. If it was you, enter this code to approve the change.

    Your code
    493817

    The code is valid for 15 minutes. Never share it: we will never ask you for it.
    If it was not you, do not use the code: your address stays as it is. Please change your password.

    -- 
    Harbour
    https://app.example.com
    ");
    assert_snapshot!(mail(&CHANGE, "ar"), @r"
    الموافقة على تغيير عنوان بريدك الإلكتروني – Harbour

    هل تريد تغيير عنوان بريدك الإلكتروني؟

    مرحبًا Ada،

    وصلنا طلب لتغيير عنوان البريد الإلكتروني لحسابك إلى a***@example.org. إذا كان الطلب منك، فيُرجى إدخال هذا الرمز للموافقة على التغيير.

    الرمز الخاص بك
    493817

    الرمز صالح لمدة 15 دقيقة. يُرجى عدم مشاركته مع أي شخص: لن نطلبه منك أبدًا.
    إذا لم يكن الطلب منك، فيُرجى عدم استخدام الرمز: سيبقى عنوانك كما هو. ويُرجى تغيير كلمة مرورك.

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

    Please confirm that you want to use this email address for your account.

    Confirm email address
    https://app.example.com/complete-email-change?code=493817&id=7

    Or enter this code
    493817

    The code is valid for 1 minute.
    If you did not ask for this, simply ignore this message. Nothing will change.

    -- 
    Harbour
    https://app.example.com
    ");
    assert_snapshot!(mail(&NEW, "fr"), @r"
    Confirmez votre nouvelle adresse e-mail – Harbour

    Confirmez votre nouvelle adresse e-mail

    Bonjour Ada,

    Veuillez confirmer que vous souhaitez utiliser cette adresse e-mail avec votre compte.

    Confirmer l’adresse e-mail
    https://app.example.com/complete-email-change?code=493817&id=7

    Ou saisissez ce code
    493817

    Le code est valable 1 minute.
    Si vous n’avez rien demandé, ignorez simplement ce message. Rien ne changera.

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

    The email address of your account was changed. From now on we write to the new address only, and you sign in with it.

    New address
    a***@example.org

    If it was not you, please contact us at once.

    -- 
    Harbour
    https://app.example.com
    ");
    assert_snapshot!(mail(&CHANGED, "es"), @r"
    Su correo electrónico ha cambiado – Harbour

    Su correo electrónico ha cambiado

    Hola, Ada:

    El correo electrónico de su cuenta ha cambiado. A partir de ahora escribiremos solo a la nueva dirección, con la que usted iniciará sesión.

    Nueva dirección
    a***@example.org

    Si no ha sido usted, póngase en contacto con nosotros de inmediato.

    -- 
    Harbour
    https://app.example.com
    ");
}

#[test]
fn activation() {
    assert_snapshot!(mail(&ACTIVATION, "en"), @r"
    Activate your account – Harbour

    You are invited

    Hello Ada,

    An account was prepared for you. Choose your password to activate it.

    Activate account
    https://app.example.com/activate?username=ada-1&token=t

    The link is valid for 7 days and works once. Please do not forward it.
    If you did not expect this invitation, simply ignore this message.

    -- 
    Harbour
    https://app.example.com
    ");
    assert_snapshot!(mail(&ACTIVATION, "ar"), @r"
    تفعيل حسابك – Harbour

    لديك دعوة

    مرحبًا Ada،

    تم إعداد حساب لك. يُرجى اختيار كلمة المرور لتفعيله.

    تفعيل الحساب
    https://app.example.com/activate?username=ada-1&token=t

    الرابط صالح لمدة 7 أيام ويعمل مرة واحدة فقط. يُرجى عدم إعادة توجيهه.
    إذا لم تكن تتوقع هذه الدعوة، فيُرجى تجاهل هذه الرسالة.

    -- 
    Harbour
    https://app.example.com
    ");
}

#[test]
fn account_exists() {
    assert_snapshot!(mail(&Mail::AccountExists, "en"), @r"
    You already have an account – Harbour

    You already have an account

    Hello Ada,

    Somebody, probably you, tried to sign up with this email address. You already have an account: sign in, or reset your password if you have forgotten it.

    Sign in
    https://app.example.com/login?email=ada%2Bnews%40example.com

    If it was not you, you need not do anything: no account was created or changed.

    -- 
    Harbour
    https://app.example.com
    ");
    assert_snapshot!(mail(&Mail::AccountExists, "ja"), @r"
    すでにアカウントをお持ちです – Harbour

    すでにアカウントをお持ちです

    Ada 様

    このメールアドレスで新規登録の操作が行われました。すでにアカウントをお持ちですので、サインインするか、パスワードをお忘れの場合は再設定してください。

    サインインする
    https://app.example.com/login?email=ada%2Bnews%40example.com

    お心当たりがない場合も、お手続きは不要です。アカウントの作成や変更は行われていません。

    -- 
    Harbour
    https://app.example.com
    ");
}
