// Verbs of docker compose that this version lacks: whoever types one learns so, and what helps.
#include "base/error.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/context.hpp"
#include "cli/options.hpp"

#include <cstdio>

namespace davit::cli {

namespace {

Error unsupported(const char* verb, const char* hint) {
    return error(Errc::unsupported, "this version of davit has no {}", verb).with_hint(hint);
}

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
    {"davit", " inspect ",
     "'davit container inspect', 'davit image inspect', 'davit network inspect' and 'davit volume inspect'"},
    {"davit", " rmi ", "'davit image rm IMAGE'"},
    {"davit", " load save tag history import ",
     "images are managed by 'davit image', as in 'davit image load -i FILE'"},
    {"davit", " info ", "'davit version' and 'davit system doctor' tell about this machine"},
    {"davit", " diff update rename ", "change the compose file and run 'davit up -d'"},
    {"davit", " buildx ", "'davit image build' takes its options"},
    {"davit", " search manifest trust scout sbom ",
     "davit runs images; use a registry's or another tool's command for this"},
    {"davit", " swarm stack node service secret context plugin ",
     "davit runs compose files on this machine, without Swarm, contexts or plugins"},
    {"davit container", " create ",
     "describe the container as a service in compose.yaml; 'davit run SERVICE COMMAND' runs another command in its "
     "place"},
    {"davit container",
     " start stop restart kill pause unpause wait rm attach exec logs top stats cp commit export port prune rename "
     "update diff ",
     "davit's containers belong to services: 'davit stop SERVICE', 'davit exec SERVICE COMMAND' …; 'davit -p PROJECT "
     "…' works from everywhere"},
    {"davit network", " create connect disconnect prune ",
     "name it below 'networks:' in the compose file: 'davit up' makes networks, and 'davit down' removes them"},
    {"davit volume", " create update ",
     "name it below 'volumes:' in the compose file: 'davit up' makes volumes, 'davit down -v' removes them"},
    {"davit system", " info events dial-stdio ",
     "'davit system doctor' finds what was left over; 'davit image prune' and 'davit volume prune' free space; 'davit "
     "events' shows events"},
};

} // namespace

std::string advice_for(std::string_view of, std::string_view name) {
    const std::string wanted = " " + std::string(name) + " ";
    for (const Advice& a : advice)
        if (of == a.of && std::string_view(a.names).find(wanted) != std::string_view::npos) return a.hint;
    return {};
}

int run_publish(Globals& globals, const Args& args) {
    std::vector<std::string> names;
    Options options(globals, "publish [OPTIONS] REPOSITORY[:TAG]",
                    "Publish the compose application (this version of davit cannot)");
    options.ignored("app")
        .ignored("insecure-registry")
        .ignored("oci-version", "string")
        .ignored("resolve-image-digests")
        .ignored("with-env")
        .ignored("y,yes")
        .arguments(names, 1, 1);
    if (!options.parse(args)) return 0;
    throw unsupported("publish", "'davit config -o FILE' writes the resolved application to a file");
}

} // namespace davit::cli
