#include "table.hpp"

#include <cstring>
#include <tuple>

using namespace davit;
using namespace davit::test;

TEST_CASE("volumes: short forms") {
    check_attribute(
        "volumes",
        {
            {"['/data']", R"([{"target":"/data","type":"volume","volume":{}}])"},
            {"['data:/data:ro']",
             R"([{"read_only":true,"source":"data","target":"/data","type":"volume","volume":{}}])"},
            {"['data:/data:nocopy']",
             R"([{"source":"data","target":"/data","type":"volume","volume":{"nocopy":true}}])"},
            {"['./a:/a']", R"([{"bind":{},"source":"/case/a","target":"/a","type":"bind"}])"},
            {"['~/a:/a:rshared,z']",
             R"([{"bind":{"propagation":"rshared","selinux":"z"},"source":"/home/user/a","target":"/a","type":"bind"}])"},
            {"['../a:/a']", R"([{"bind":{},"source":"/a","target":"/a","type":"bind"}])"},
            {"['aa:/data', 'bb:/data/']", R"([{"source":"bb","target":"/data","type":"volume","volume":{}}])"},
            {"['data:/b:ro:z']", "! too many colons"},
            {"['data::ro']", "! empty part"},
            {"['']", "! this volume is empty"},
        });
}

TEST_CASE("volumes: long form") {
    check_attribute(
        "volumes",
        {
            {"[{type: bind, source: ./a, target: /a, bind: {create_host_path: false, propagation: rslave}}]",
             R"([{"bind":{"create_host_path":false,"propagation":"rslave"},"source":"/case/a","target":"/a","type":"bind"}])"},
            {"[{type: volume, source: d, target: /d/, read_only: true, volume: {nocopy: true, subpath: s}}]",
             R"([{"read_only":true,"source":"d","target":"/d","type":"volume","volume":{"nocopy":true,"subpath":"s"}}])"},
            {"[{type: tmpfs, target: /t, tmpfs: {size: 1m, mode: 0755}}]",
             R"([{"target":"/t","tmpfs":{"mode":493,"size":"1048576"},"type":"tmpfs"}])"},
            {"[{type: image, source: i, target: /i, image: {subpath: a}}]",
             R"([{"image":{"subpath":"a"},"source":"i","target":"/i","type":"image"}])"},
            {"[{source: a, target: /a}]", "! needs 'type'"},
            {"[{type: bind, target: /a}]", "! a bind mount needs a source"},
            {"[{type: mount, target: /a}]", "! must be one of bind"},
            {"[{type: volume, source: a}]", "! has no target"},
            {"[{type: tmpfs, target: /t, tmpfs: {size: -1}}]", "! must be 0 or more"},
        });
}

TEST_CASE("a place has one mount") {
    for (const auto& [attribute, rest, message] :
         {std::tuple("tmpfs: [/a, '/a:size=1m']", "tmpfs[1]", "is the target of tmpfs[0] already"),
          std::tuple("volumes: [{type: volume, source: v, target: /a/}, {type: volume, source: w, target: /a}]",
                     "volumes[1]", "is the target of volumes[0] already"),
          std::tuple("{tmpfs: /a, volumes: ['vv:/a']}", "volumes[0]", "is the target of a volume and of a tmpfs")}) {
        CAPTURE(attribute);
        const std::string own =
            attribute[0] == '{' ? std::string(attribute + 1, std::strlen(attribute) - 2) : attribute;
        LoadOptions o = options_for("services: {web: {image: x, " + own + "}}\nvolumes: {v: , w: , vv: }\n");
        o.check_consistency = true;
        const auto out = load_json(o);
        REQUIRE_MESSAGE(out.contains("error"), out.dump());
        CHECK(out["error"].get<std::string>().find(rest) != std::string::npos);
        CHECK(out["error"].get<std::string>().find(message) != std::string::npos);
    }
}

TEST_CASE("tmpfs and devices") {
    check_attribute("tmpfs", {{"/a", R"(["/a"])"}, {"['/a:size=1m', /b]", R"(["/a:size=1m","/b"])"}});
    check_attribute("devices",
                    {
                        {"['/dev/a']", R"([{"permissions":"rwm","source":"/dev/a","target":"/dev/a"}])"},
                        {"['/dev/a:/dev/b:r']", R"([{"permissions":"r","source":"/dev/a","target":"/dev/b"}])"},
                        {"[{source: /dev/a, target: /dev/b}]", R"([{"source":"/dev/a","target":"/dev/b"}])"},
                        {"[{source: /dev/a}]", "! this device has no target"},
                        {"[{target: /dev/a}]", "! needs 'source'"},
                        {"['a:b:c:d']", "! too many colons"},
                    });
}

TEST_CASE("secrets and configs of a service") {
    check_attribute("secrets",
                    {
                        {"[a]", R"([{"source":"a","target":"/run/secrets/a"}])"},
                        {"[{source: a, target: b, uid: '1', gid: '2', mode: 0440}]",
                         R"([{"gid":"2","mode":"0440","source":"a","target":"b","uid":"1"}])"},
                        {"[{source: a, mode: '0440'}]", R"([{"mode":"0440","source":"a","target":"/run/secrets/a"}])"},
                        {"[{source: a, mode: '9'}]", "! is no octal file mode"},
                    });
    check_attribute("configs", {{"[a]", R"([{"source":"a"}])"},
                                {"[{source: a, target: /b}]", R"([{"source":"a","target":"/b"}])"}});
}

TEST_CASE("volumes, secrets and configs at the top") {
    check_resource(
        "volumes",
        {
            {"", R"({"name":"p_it"})"},
            {"{driver: local, driver_opts: {type: none, o: bind, device: ./d}}",
             R"({"driver":"local","driver_opts":{"device":"/case/d","o":"bind","type":"none"},"name":"p_it"})"},
            {"{external: true, name: v}", R"({"external":true,"name":"v"})"},
            {"{external: true, driver: local}", "! an external volume cannot have 'driver'"},
            {"{drivr: a}", "! 'drivr' is no attribute of a volume"},
        });
    check_resource("secrets", {{"{file: ./s}", R"({"file":"/case/s","name":"p_it"})"},
                               {"{environment: FOO}", R"({"environment":"FOO","name":"p_it"})"},
                               {"{file: a, environment: b}", "! exclude each other"},
                               {"{}", "! does not say where its content comes from"}});
    check_resource("configs", {{"{content: \"a ${FOO}\"}", R"({"content":"a first","name":"p_it"})"},
                               {"{file: a, content: b}", "! exclude each other"}});
}
