// Verbs of docker compose that this version lacks: whoever types one learns so, and what helps.
#include "cli/cmd/verbs.hpp"

#include <string>
#include <string_view>

namespace davit::cli {

namespace {

struct Advice {
    const char* of;
    const char* names; // between spaces
    const char* hint;
};

constexpr Advice advice[] = {
    {"davit", " convert ", "it is called 'davit config' now"},
    {"davit", " bridge ",
     "'davit config' prints the resolved application, which docker compose bridge and kompose can read"},
    {"davit", " alpha ",
     "nothing of docker compose's experiments is here; 'davit plan' shows what an up would do, and why"},
    {"davit", " load save tag import rmi rename update ",
     "docker's words are behind 'davit docker', as in 'davit docker tag A B', and in 'davit image' and 'davit "
     "container'"},
    {"davit", " trust scout sbom ", "davit runs images; use another tool for this"},
    {"docker", " trust checkpoint scout scan sbom ",
     "davit runs images and containers; use another tool for this (docs/docker.md)"},
    {"docker", " init desktop extension model mcp ai debug dev offload sandbox pass cloud ",
     "it belongs to Docker Desktop (docs/docker.md)"},
    {"davit plugin", " create disable enable inspect install push rm set upgrade ",
     "davit has no plugins; 'davit system info' lists its drivers"},
    {"davit buildx", " dial-stdio dap policy debug ", "davit builds in the program that is asked to"},
    {"davit builder", " create inspect ls rm stop use ", "davit buildx"},
    {"davit system", " dial-stdio ", "davit has no daemon to dial to"},
};

// Docker's groups have the same advice by every name.
std::string known_name(std::string_view of) {
    for (const std::string_view before : {"davit docker ", "docker "})
        if (of.starts_with(before) && of != "docker") return "davit " + std::string(of.substr(before.size()));
    return std::string(of == "davit docker" ? "docker" : of);
}

} // namespace

std::string advice_for(std::string_view of, std::string_view name) {
    const std::string wanted = " " + std::string(name) + " ", group = known_name(of);
    for (const Advice& a : advice)
        if (group == a.of && std::string_view(a.names).find(wanted) != std::string_view::npos) return a.hint;
    return {};
}

} // namespace davit::cli
