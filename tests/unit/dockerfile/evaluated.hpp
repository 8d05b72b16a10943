// Evaluations of small Dockerfiles, for tests.
#pragma once

#include "dockerfile/evaluate.hpp"

#include <functional>
#include <string>
#include <vector>

namespace davit::dockerfile {

using Change = std::function<void(EvaluateOptions&)>;

inline EvaluateOptions test_options(const Change& change = {}) {
    EvaluateOptions options;
    options.build_platform = "linux/amd64";
    options.base_image = [](const Input& input) -> std::optional<BaseImage> {
        BaseImage out;
        out.platform = "linux/amd64";
        out.config.env = {"PATH=/bin"};
        out.config.cmd = {"sh"};
        if (input.name == "onbuild") out.config.onbuild = {"COPY --from=src a /b", "ENV T=$GIVEN"};
        if (input.name == "authored") out.author = "someone";
        if (input.name == "files") return std::nullopt;
        return out;
    };
    if (change) change(options);
    return options;
}

inline Evaluated evaluated(const std::string& text, const Change& change = {}) {
    return evaluate(read_document(text, "Dockerfile"), test_options(change));
}

// The steps of the target.
inline const std::vector<Step>& steps_of(const Evaluated& e) {
    return e.stages.at(static_cast<std::size_t>(e.target)).steps;
}

template <typename T>
const T& step(const Evaluated& e, std::size_t i) {
    return std::get<T>(steps_of(e).at(i).action);
}

inline std::vector<std::string> histories(const Evaluated& e) {
    std::vector<std::string> out;
    for (const Step& s : steps_of(e)) out.push_back(s.history);
    return out;
}

} // namespace davit::dockerfile
