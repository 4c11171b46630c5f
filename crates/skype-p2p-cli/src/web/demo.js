// Signs the user of each frame in. The name of the frame is the address of the user.

for (const frame of document.querySelectorAll("iframe")) {
  const signIn = () => {
    const page = frame.contentDocument;
    const form = page.getElementById("sign-in");
    if (!form) return;
    const fill = () => {
      if (form.hidden || !page.getElementById("chat").hidden || frame.dataset.done) return;
      frame.dataset.done = "yes";
      page.getElementById("address").value = frame.name.replace("sip:", "");
      page.getElementById("password").value = frame.dataset.password;
      page.getElementById("sign-in-form").requestSubmit(form.querySelector("button"));
    };
    // The page shows the form when it is ready.
    new MutationObserver(fill).observe(form, { attributes: true });
    fill();
  };
  frame.addEventListener("load", signIn);
  if (frame.contentDocument?.readyState === "complete") signIn();
}
