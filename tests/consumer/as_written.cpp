// The program that stands at the head of what embedding is to be like, word for word between the lines.
#include <davit/in_code.hpp>
#include <davit/scope.hpp>

#include <iostream>
#include <string>

using namespace std::chrono_literals;

namespace {

const char* const yaml = R"(
name: shop
services:
  db:
    image: postgres:15
    environment: {POSTGRES_PASSWORD: changed below, PGUSER: postgres}
    tmpfs: /var/lib/postgresql/data
    healthcheck: {test: [CMD, pg_isready, -q, -h, 127.0.0.1], interval: 1s, start_period: 60s, start_interval: 100ms}
  web:
    image: busybox
    command: sh -c 'echo ready; exec httpd -f -p 80'
    stop_signal: KILL
    ports: [80]
)";

} // namespace

int main() {
    try {
        // ----
        davit::Project shop = davit::load_string(yaml); // or built in code
        shop.service("db").environment["POSTGRES_PASSWORD"] = "x";
        davit::Scope scope = davit::Engine().scope(shop); // down when it goes, and when the program is killed
        scope.wait(davit::healthy("db"), davit::port("web", 80), davit::log("web", "ready"), 30s);
        auto url = scope.url("web", 80);                           // http://127.0.0.1:49153
        auto out = scope.exec("db", {"psql", "-Atc", "select 1"}); // out.stdout_text, out.exit_code
        // ----
        const auto changed = scope.exec("db", {"sh", "-c", "echo $POSTGRES_PASSWORD"});
        std::cout << url << " " << out.exit_code << " " << out.stdout_text;
        return url.starts_with("http://127.0.0.1:") && out.exit_code == 0 && out.stdout_text == "1\n" &&
                       changed.stdout_text == "x\n"
                   ? 0
                   : 1;
    } catch (const davit::Error& e) {
        std::cerr << e.describe() << "\n";
        return 1;
    }
}
