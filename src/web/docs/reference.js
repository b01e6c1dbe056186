/** Shows the server's own openapi.json by Redoc. Its search is off: it would start a worker from a blob, which the policy forbids. */
document.body.style.margin = "0";
globalThis.Redoc.init(
  "/v1/openapi.json",
  { disableSearch: true, hideLoading: true, nativeScrollbars: true, sortRequiredPropsFirst: true },
  document.querySelector("#reference"),
);
