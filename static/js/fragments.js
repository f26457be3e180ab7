// A mail that wrote & as &#038; has put the rest of the link behind a #, which no server is sent:
// what follows is asked for as the rest of the query, and the portal mends it and says so.
if (/^#(0*38|x0*26);/i.test(location.hash)) {
  const query = location.search.replace(/&$/, "") || "?";
  location.replace(`${location.pathname}${query}&${location.hash.replaceAll("#", "%23")}`);
}
