#include "table.hpp"

using namespace davit::test;

TEST_CASE("sizes") {
    for (const char* attribute : {"mem_limit", "memswap_limit", "mem_reservation", "shm_size"})
        check_attribute(attribute, {{"512m", R"("536870912")"},
                                    {"1024", R"("1024")"},
                                    {"'1.5g'", R"("1610612736")"},
                                    {"2kb", R"("2048")"},
                                    {"1GiB", R"("1073741824")"},
                                    {"1e3", "(absent)"},
                                    {"lots", "! 'lots' is no size"}});
    check_attribute("memswap_limit", {{"-1", R"("-1")"}});
    check_attribute("mem_swappiness", {{"60", R"("60")"}});
}

TEST_CASE("numbers of the processor") {
    check_attribute("cpus", {{"0.5", "0.5"}, {"'2'", "2"}, {"\"${N}\"", "2"}, {"many", "! must be a number"}});
    for (const char* attribute : {"cpu_shares", "cpu_quota", "cpu_period"})
        check_attribute(attribute, {{"512", "512"}, {"'512'", "512"}, {"x", "! must be a whole number"}});
    check_attribute("cpu_percent", {{"101", "! must be 100 or less"}, {"'12.5'", "! "}});
    check_attribute("cpu_rt_runtime", {{"'400'", "400"}, {"400ms", "! must be a whole number"}});
}

TEST_CASE("processes and signals") {
    check_attribute("oom_score_adj",
                    {{"-500", "-500"}, {"5000", "! must be 1000 or less"}, {"'5000'", "! must be 1000 or less"}});
    check_attribute("pids_limit", {{"100", "100"}, {"-1", "-1"}, {"0", "(absent)"}});
    check_attribute("stop_grace_period", {{"1m30s", R"("1m30s")"},
                                          {"90s", R"("1m30s")"},
                                          {"1.5h", R"("1h30m0s")"},
                                          {"2d", R"("48h0m0s")"},
                                          {"'10'", "! is no duration"},
                                          {"10", "! must be text"}});
    check_attribute("restart",
                    {{"always", R"("always")"}, {"'on-failure:3'", R"("on-failure:3")"}, {"'no'", R"("no")"}});
    check_attribute("scale", {{"3", "3"}, {"'3'", "3"}, {"\"${N}\"", "2"}, {"many", "! must be a whole number"}});
}

TEST_CASE("limits") {
    check_attribute("ulimits", {{"{nofile: 100}", R"({"nofile":100})"},
                                {"{nofile: {soft: 1, hard: 2}}", R"({"nofile":{"hard":2,"soft":1}})"},
                                {"{nofile: {soft: 1}}", "! needs 'hard'"},
                                {"{nofile: 0}", R"({"nofile":{}})"}});
    check_attribute("sysctls", {{"{net.core.somaxconn: 1024}", R"({"net.core.somaxconn":"1024"})"},
                                {"[a=1, b=2]", R"({"a":"1","b":"2"})"}});
    check_attribute("storage_opt", {{"{size: 1G}", R"({"size":"1G"})"}});
}

TEST_CASE("a limit of zero is not lost in YAML") {
    auto o = options_for("services: {web: {image: x, ulimits: {core: 0, nofile: {soft: 0, hard: 5}}}}");
    const std::string text = davit::render(davit::load(o).project, davit::RenderFormat::yaml);
    CHECK(text.find("core: 0") != std::string::npos);
    CHECK(davit::render(davit::load(options_for(text)).project, davit::RenderFormat::yaml) == text);
}

TEST_CASE("block devices") {
    check_attribute("blkio_config",
                    {
                        {"{weight: 300, weight_device: [{path: /dev/sda, weight: 400}]}",
                         R"({"weight":300,"weight_device":[{"Path":"/dev/sda","Weight":400}]})"},
                        {"{device_read_bps: [{path: /dev/sda, rate: 12mb}]}",
                         R"({"device_read_bps":[{"Path":"/dev/sda","Rate":"12582912"}]})"},
                        {"{weight_device: [{}], device_write_iops: [{rate: 1}]}",
                         R"({"device_write_iops":[{"Path":"","Rate":"1"}],"weight_device":[{"Path":"","Weight":0}]})"},
                        {"{weight: '500'}", "! must be a whole number"},
                        {"{weigth: 500}", "! 'weigth' is no attribute of blkio_config"},
                    });
}

TEST_CASE("deploy") {
    check_attribute(
        "deploy",
        {
            {"{replicas: 2, labels: [a=b]}", R"({"labels":{"a":"b"},"placement":{},"replicas":2,"resources":{}})"},
            {"{resources: {limits: {cpus: '0.5', memory: 50M, pids: 10}}}",
             R"({"placement":{},"resources":{"limits":{"cpus":0.5,"memory":"52428800","pids":10}}})"},
            {"{restart_policy: {condition: on-failure, delay: 5s, max_attempts: 3}}",
             R"({"placement":{},"resources":{},"restart_policy":{"condition":"on-failure","delay":"5s","max_attempts":3}})"},
            {"{update_config: {parallelism: 2, order: start-first}}",
             R"({"placement":{},"resources":{},"update_config":{"order":"start-first","parallelism":2}})"},
            {"{update_config: {order: first}}", "! must be one of start-first, stop-first"},
            {"{resources: {limits: {memory: 5}}}", "! must be text"},
            {"{resources: {reservations: {devices: [{driver: nvidia}]}}}", "! needs 'capabilities'"},
        });
    check_attribute("gpus", {{"[{count: 1.0}]", "! is no count of devices"}});
    check_attribute("gpus", {{"all", R"([{"count":-1}])"},
                             {"[{count: 1, driver: nvidia}]", R"([{"count":1,"driver":"nvidia"}])"},
                             {"some", "! must be all"}});
}
