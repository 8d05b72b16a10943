#include "base/error.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/filters.hpp"
#include "cli/format/container.hpp"
#include "cli/format/template.hpp"
#include "cli/interrupts.hpp"
#include "cli/options.hpp"
#include "davit/registry.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace davit::cli {

namespace {

int least_stars(const Filters& filters) {
    int least = 0;
    for (const std::string& text : filters.values("stars")) {
        int number = 0;
        const char* end = text.data() + text.size();
        if (std::from_chars(text.data(), end, number).ptr != end || text.empty())
            throw error(Errc::invalid_project,
                        "invalid filter 'stars={0}': strconv.Atoi: parsing \"{0}\": invalid syntax", text)
                .with_hint("a number");
        least = std::max(least, number);
    }
    return least;
}

} // namespace

int run_search(Globals& globals, const Args& args) {
    bool full = false;
    int limit = 25;
    std::string format;
    std::vector<std::string> terms;
    Filters filters;
    Options options(globals, "search [OPTIONS] TERM", "Search Docker Hub for images");
    filters.add_to(options, "is-official=true|false, is-automated=true|false, stars=NUMBER");
    options.value("format", format, "Pretty-print search using a Go template")
        .value("limit", limit, "Max number of search results")
        .flag("no-trunc", full, "Don't truncate output")
        .epilog("Another registry than Docker Hub is asked by its name before the term: HOST[:PORT]/TERM.")
        .arguments(terms, 1, 1);
    if (!options.parse(args)) return 0;
    filters.check();
    if (limit < 0 || limit > 100)
        throw error(Errc::invalid_project, "limit {} is outside the range of [1, 100]", limit);
    const auto official = filters.truth("is-official"), automated = filters.truth("is-automated");
    const int stars = least_stars(filters);
    Interrupts interrupts;
    std::vector<nlohmann::json> rows;
    for (const FoundRepository& r : search_repositories(terms.front(), limit ? limit : 25, interrupts.token())) {
        if ((official && *official != r.official) || (automated && *automated != r.automated) || r.stars < stars)
            continue;
        std::string about = r.description;
        std::replace(about.begin(), about.end(), '\n', ' ');
        rows.push_back({{"Name", r.name},
                        {"Description", full ? about : ellipsis(about, 45)},
                        {"StarCount", std::to_string(r.stars)},
                        {"IsOfficial", r.official ? "[OK]" : ""},
                        {"IsAutomated", r.automated ? "[OK]" : ""}});
    }
    const nlohmann::json headers{{"Name", "NAME"},
                                 {"Description", "DESCRIPTION"},
                                 {"StarCount", "STARS"},
                                 {"IsOfficial", "OFFICIAL"},
                                 {"IsAutomated", "AUTOMATED"}};
    std::fputs(render_list(ListFormat::parse(format), rows, {"Name", "Description", "StarCount", "IsOfficial"}, headers)
                   .c_str(),
               stdout);
    return 0;
}

} // namespace davit::cli
